// The operations of a network: plain data, one struct each.
// SPDX-License-Identifier: Apache-2.0
//
// A value is one image's map [channels, height, width], a vector (a 1x1 map), or the statistics
// (mean, 1/std) of one. Vectors of parameters are held in double; matrices stay in the weights and
// are only ever scaled, row and column wise, so a pass never rewrites or copies one.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "engine/load/description.hpp"
#include "engine/load/weights.hpp"

namespace pf {

using Vector = std::vector<double>;  // one number per channel; empty where it does not exist

// rows x columns numbers of the weights, times optional scales: element (r, c) is
// stored[r * columns + c] * row_scale[r] * column_scale[c].
struct Matrix {
    const Tensor* stored = nullptr;  // owned by Weights
    std::size_t rows = 0;
    std::size_t columns = 0;
    Vector row_scale;     // empty: ones
    Vector column_scale;  // empty: ones

    double at(std::size_t row, std::size_t column) const {
        double element = stored->value(row * columns + column);
        if (!row_scale.empty()) element *= row_scale[row];
        if (!column_scale.empty()) element *= column_scale[column];
        return element;
    }
    void scale_rows(const Vector& factors);
    void scale_columns(const Vector& factors);
};

// ---- as the paper draws them ----

struct InputOp {
    std::size_t channels = 3;
};

// Patch embedding: weight [out_channels, in_channels * kernel * kernel], zero padding.
struct Conv2d {
    Matrix weight;
    Vector bias;
    std::size_t in_channels = 0;
    PatchEmbedding window;
};

// Height or width of a convolution's output on an input of `size`; 0: it has no output.
std::size_t convolved_size(const PatchEmbedding& window, std::size_t size);

// One group: mean and variance of the whole map. weight and bias may be empty.
struct GroupNorm {
    double eps = 0;
    Vector weight, bias;
};

// Mean and variance over the channels of each pixel.
struct LayerNorm {
    double eps = 0;
    Vector weight, bias;
};

// Stored statistics per channel.
struct BatchNorm {
    double eps = 0;
    Vector weight, bias, mean, variance;
};

// Average over the size x size window's pixels inside the map, stride 1.
struct Pool {
    std::size_t size = 3;
};

struct Subtract {};  // inputs[0] - inputs[1]
struct Add {};       // inputs[0] + inputs[1]

// Each channel times a constant.
struct Scale {
    Vector factor;
};

// The same matrix at every pixel (a 1x1 convolution): weight [out_channels, in_channels].
struct Linear {
    Matrix weight;
    Vector bias;  // empty: zeros
};

struct Activation {
    ActivationKind kind = ActivationKind::gelu;
};

struct GlobalMean {};  // map -> vector: mean over the pixels

// ---- as passes leave them ----

// (x - mean) / std with the statistics of the whole map, computed by itself.
struct Normalise {
    double eps = 0;
};

// map -> statistics.
struct NormStats {
    double eps = 0;
};

// x + scale * rstd * (pool3x3(x) - x); inputs: x, statistics of x. scale = norm weight * ls1.
struct PoolMix {
    Vector scale;
};

// x + fc2(activation(fc1((x - mean) * rstd))); inputs: x, statistics of x.
struct ChannelMlp {
    Linear fc1, fc2;
    ActivationKind activation = ActivationKind::gelu;
};

// Logits. norm_pool: linear(mean over pixels of (x - mean) * rstd), inputs: x, statistics of x.
// pool_norm: linear(normalise(mean over pixels of x)) with `eps`, inputs: x.
struct HeadOp {
    HeadOrder order = HeadOrder::norm_pool;
    double eps = 0;
    Linear linear;
    // Of the norm, on the pooled vector: what the linear reads is what users call features.
    Vector weight = {};  // empty: ones
    Vector bias = {};    // empty: zeros
};

using Op =
    std::variant<InputOp, Conv2d, GroupNorm, LayerNorm, BatchNorm, Pool, Subtract, Add, Scale,
                 Linear, Activation, GlobalMean, Normalise, NormStats, PoolMix, ChannelMlp, HeadOp>;

const char* op_name(const Op& op);  // "conv2d", "pool_mix", ...

}  // namespace pf
