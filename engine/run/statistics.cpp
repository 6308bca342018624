// From partial sums to the mean and 1/std that a norm needs.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/statistics.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace pf {
namespace {

// The sum of term(value) in double. Four interleaved chains hide the latency of the additions.
template <class Term>
double sum_terms(std::span<const float> values, Term&& term) {
    constexpr std::size_t kChains = 4;
    std::array<double, kChains> sums{};
    std::size_t i = 0;
    for (; i + kChains <= values.size(); i += kChains) {
        for (std::size_t chain = 0; chain < kChains; ++chain) {
            sums[chain] += term(values[i + chain]);
        }
    }
    for (; i < values.size(); ++i) sums[i % kChains] += term(values[i]);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Moments moments_of(const kernels::PartialSums& sums, std::size_t count) {
    const double n = static_cast<double>(count);
    const double mean = sums.sum / n;
    const double variance = sums.sum_of_squares / n - mean * mean;
    return {mean, variance < 0 ? 0 : variance};
}

Moments moments_of(std::span<const float> values) {
    const double n = static_cast<double>(values.size());
    const double mean = sum_of(values) / n;
    const auto square = [mean](float value) { return (value - mean) * (value - mean); };
    return {mean, sum_terms(values, square) / n};
}

double sum_of(std::span<const float> values) {
    return sum_terms(values, [](float value) { return static_cast<double>(value); });
}

bool shift_is_too_far(const Moments& moments) {
    constexpr double kFarthest = 16;
    return moments.mean * moments.mean > kFarthest * kFarthest * moments.variance;
}

double reciprocal_std(const Moments& moments, double eps) {
    return 1 / std::sqrt(moments.variance + eps);
}

}  // namespace pf
