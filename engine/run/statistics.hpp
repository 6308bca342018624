// From partial sums to the mean and 1/std that a norm needs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/kernels.hpp"

namespace pf {

// Of (value - shift), over `count` values.
struct Moments {
    double mean = 0;
    double variance = 0;  // biased, as torch's GroupNorm; never negative
};

// Of `count` values of which the sums are known.
inline Moments moments_of(const kernels::PartialSums& sums, std::size_t count) {
    const double n = static_cast<double>(count);
    const double mean = sums.sum / n;
    const double variance = sums.sum_of_squares / n - mean * mean;
    return {mean, variance < 0 ? 0 : variance};
}

// The squares were summed around a shift; when the mean lies more than 16 standard deviations from
// it, their difference has lost digits (relative error of 1/std above 1e-6) and is worth a second
// look with the shift at the mean. False for NaN.
inline bool shift_is_too_far(const Moments& moments) {
    constexpr double kFarthest = 16;
    return moments.mean * moments.mean > kFarthest * kFarthest * moments.variance;
}

// 1 / sqrt(variance + eps). NaN where the squares have overflowed (values of 1e19, whose map's
// normalised values would else all be zeros, and the logits look like any others).
inline double reciprocal_std(const Moments& moments, double eps) {
    if (std::isinf(moments.variance)) return std::numeric_limits<double>::quiet_NaN();
    return 1 / std::sqrt(moments.variance + eps);
}

}  // namespace pf
