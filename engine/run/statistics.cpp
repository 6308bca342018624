// From partial sums to the mean and 1/std that a norm needs.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/statistics.hpp"

#include <cmath>

namespace pf {
Moments moments_of(const kernels::PartialSums& sums, std::size_t count) {
    const double n = static_cast<double>(count);
    const double mean = sums.sum / n;
    const double variance = sums.sum_of_squares / n - mean * mean;
    return {mean, variance < 0 ? 0 : variance};
}

bool shift_is_too_far(const Moments& moments) {
    constexpr double kFarthest = 16;
    return moments.mean * moments.mean > kFarthest * kFarthest * moments.variance;
}

double reciprocal_std(const Moments& moments, double eps) {
    return 1 / std::sqrt(moments.variance + eps);
}

}  // namespace pf
