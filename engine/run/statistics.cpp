// From partial sums to the mean and 1/std that a norm needs.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/statistics.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace pf {

Moments reduce(std::span<const kernels::Partial> partials, std::size_t count) {
    // Four interleaved chains hide the latency of the additions; in steps of four, compilers
    // convert and add a whole partial at a time.
    constexpr std::size_t kChains = 4;
    std::array<double, kChains> sums{};
    std::array<double, kChains> squares{};
    const auto add = [&](std::size_t chain, const kernels::Partial& partial) {
        sums[chain] += partial.sum;
        squares[chain] += partial.sum_of_squares;
    };
    std::size_t i = 0;
    for (; i + kChains <= partials.size(); i += kChains) {
        for (std::size_t chain = 0; chain < kChains; ++chain) add(chain, partials[i + chain]);
    }
    for (; i < partials.size(); ++i) add(i % kChains, partials[i]);
    const double n = static_cast<double>(count);
    const double mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / n;
    const double mean_square = ((squares[0] + squares[1]) + (squares[2] + squares[3])) / n;
    const double variance = mean_square - mean * mean;
    return {mean, variance < 0 ? 0 : variance};
}

Moments moments_of(std::span<const float> values) {
    const double n = static_cast<double>(values.size());
    double sum = 0;
    for (const float value : values) sum += value;
    const double mean = sum / n;
    double squares = 0;
    for (const float value : values) squares += (value - mean) * (value - mean);
    return {mean, squares / n};
}

bool shift_is_too_far(const Moments& moments) {
    constexpr double kFarthest = 16;
    return moments.mean * moments.mean > kFarthest * kFarthest * moments.variance;
}

double reciprocal_std(const Moments& moments, double eps) {
    return 1 / std::sqrt(moments.variance + eps);
}

}  // namespace pf
