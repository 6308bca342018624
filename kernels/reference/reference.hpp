// The kernels as plain loops over doubles: what tests hold the SIMD kernels against.
// SPDX-License-Identifier: Apache-2.0
//
// Formulas as in kernels/kernels.hpp. Maps are dense, [channels][height * width]; matrices are
// [outputs][inputs]. Not part of the library.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/layout.hpp"

namespace pf::kernels::reference {

using Numbers = std::vector<double>;

struct Map {
    std::size_t channels = 0;
    std::size_t height = 0;
    std::size_t width = 0;
    Numbers values;  // [channels][height][width]

    std::size_t pixels() const { return height * width; }
    double at(std::size_t c, std::size_t pixel) const { return values[c * pixels() + pixel]; }
};

// src + scale[c] * rstd * (avg3x3(src) - src), averaging the window's pixels inside the map.
Map pool_mix(const Map& src, const Numbers& scale, double rstd);

struct Sums {
    double sum = 0;
    double sum_of_squares = 0;
};

// Sums of (value - shift) and its square over some channels of some pixels.
Sums map_statistics(const Map& src, Range channels, Range pixels, double shift);

struct MlpWeights {
    std::size_t hidden = 0;
    Numbers fc1, fc1_bias;  // [hidden][channels], [hidden]
    Numbers fc2, fc2_bias;  // [channels][hidden], [channels]
};

// src + fc2(gelu(fc1((src - mean) * rstd))) at every pixel.
Map channel_mlp(const Map& src, const MlpWeights& weights, double mean, double rstd);

// x * Phi(x).
double gelu(double x);

// For each channel the mean over the pixels of (value - shift).
Numbers channel_means(const Map& src, double shift);

// matrix * src + bias; as many outputs as biases.
Numbers linear(const Numbers& src, const Numbers& matrix, const Numbers& bias);

}  // namespace pf::kernels::reference
