// Norms: exact statistics in two passes, the mean first, then the squared deviations from it.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "engine/base/check.hpp"
#include "engine/interpret/apply.hpp"

namespace pf {
namespace {

// Of size values, stride apart.
Statistics statistics_of(const double* values, std::size_t size, std::size_t stride, double eps) {
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += values[i * stride];
    const double mean = sum / static_cast<double>(size);
    double squares = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const double deviation = values[i * stride] - mean;
        squares += deviation * deviation;
    }
    return {mean, 1.0 / std::sqrt(squares / static_cast<double>(size) + eps)};
}

// x: [C, H, W]; weight, bias: [C], or empty for ones and zeros.
void apply_affine(Map& x, const Vector& weight, const Vector& bias) {
    for (std::size_t c = 0; c < x.channels; ++c) {
        const double factor = weight.empty() ? 1.0 : weight[c];
        const double shift = bias.empty() ? 0.0 : bias[c];
        double* values = channel(x, c);
        for (std::size_t p = 0; p < num_pixels(x); ++p) values[p] = values[p] * factor + shift;
    }
}

}  // namespace

// x: [C, H, W]
Statistics statistics(const Map& x, double eps) {
    return statistics_of(x.data.data(), x.data.size(), 1, eps);
}

// x, y: [C, H, W]
Map normalise(const Map& x, const Statistics& stats) {
    Map y = x;
    for (double& value : y.data) value = (value - stats.mean) * stats.rstd;
    return y;
}

// x, y: [C, H, W]; weight, bias: [C]
Map apply(const GroupNorm& op, const Map& x) {
    Map y = normalise(x, statistics(x, op.eps));
    apply_affine(y, op.weight, op.bias);
    return y;
}

// x, y: [C, H, W]; weight, bias: [C]; statistics of each pixel's C values.
Map apply(const LayerNorm& op, const Map& x) {
    Map y = x;
    const std::size_t pixels = num_pixels(x);
    for (std::size_t p = 0; p < pixels; ++p) {
        double* values = y.data.data() + p;
        const Statistics stats = statistics_of(values, x.channels, pixels, op.eps);
        for (std::size_t c = 0; c < x.channels; ++c) {
            values[c * pixels] = (values[c * pixels] - stats.mean) * stats.rstd;
        }
    }
    apply_affine(y, op.weight, op.bias);
    return y;
}

// x, y: [C, H, W]; mean, variance, weight, bias: [C]
Map apply(const BatchNorm& op, const Map& x) {
    PF_DCHECK(op.mean.size() == x.channels);
    Map y = x;
    for (std::size_t c = 0; c < x.channels; ++c) {
        const double std = std::sqrt(op.variance[c] + op.eps);
        double* values = channel(y, c);
        for (std::size_t p = 0; p < num_pixels(x); ++p) values[p] = (values[p] - op.mean[c]) / std;
    }
    apply_affine(y, op.weight, op.bias);
    return y;
}

// x, y: [C, H, W]
Map apply(const Normalise& op, const Map& x) {
    return normalise(x, statistics(x, op.eps));
}

}  // namespace pf
