// Affine: folding a factor and a shift per channel into a matrix.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/affine.hpp"

#include <algorithm>
#include <cmath>

namespace pf {

Affine to_affine(const BatchNorm& norm) {
    const std::size_t channels = norm.mean.size();
    Affine affine{Vector(channels), Vector(channels)};
    for (std::size_t c = 0; c < channels; ++c) {
        const double weight = norm.weight.empty() ? 1.0 : norm.weight[c];
        const double bias = norm.bias.empty() ? 0.0 : norm.bias[c];
        affine.factor[c] = weight / std::sqrt(norm.variance[c] + norm.eps);
        affine.shift[c] = bias - norm.mean[c] * affine.factor[c];
    }
    return affine;
}

void fold_after(Matrix& weight, Vector& bias, const Affine& affine) {
    if (!affine.factor.empty()) {
        weight.scale_rows(affine.factor);
        for (std::size_t r = 0; r < bias.size(); ++r) bias[r] *= affine.factor[r];
    }
    if (affine.shift.empty()) return;
    bias.resize(weight.rows, 0.0);
    for (std::size_t r = 0; r < weight.rows; ++r) bias[r] += affine.shift[r];
}

void fold_before(const Affine& affine, Linear& linear) {
    Matrix& weight = linear.weight;
    const auto is_zero = [](double value) { return value == 0; };
    if (!std::all_of(affine.shift.begin(), affine.shift.end(), is_zero)) {
        linear.bias.resize(weight.rows, 0.0);
        for (std::size_t r = 0; r < weight.rows; ++r) {
            double sum = 0;
            for (std::size_t c = 0; c < weight.columns; ++c) {
                sum += weight.at(r, c) * affine.shift[c];
            }
            linear.bias[r] += sum;
        }
    }
    if (!affine.factor.empty()) weight.scale_columns(affine.factor);
}

}  // namespace pf
