// MlpCase: one channel MLP on one map, its exact result, and how far float may be from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/kernels.hpp"
#include "kernels/reference/reference.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace pf::test {

struct MlpCase {
    kernels::reference::Map src;
    kernels::reference::MlpWeights weights;  // every number a float
    float mean = 0;
    float rstd = 1;
    float shift = 0;
};

// Weights from the integer hash with the variance 1 / fan_in; the norm takes mean and deviation
// away again.
MlpCase hash_mlp(std::size_t channels, std::size_t hidden, std::size_t pixels, double mean = 0,
                 double deviation = 1);

// For every element of the result, the bound of Tolerance carried through both matrices.
std::vector<double> mlp_bounds(const MlpCase& mlp);

// The largest absolute error allowed to the kernels' GELU, and its largest slope.
inline constexpr double kGeluError = 3e-7;
inline constexpr double kGeluSlope = 1.13;

// Both matrices as the kernels read them.
std::vector<float> packed_weights(const MlpCase& mlp, const kernels::MlpLayout& layout);

struct MlpResult {
    std::vector<float> dst;
    std::vector<kernels::Partial> partials;
};

struct MlpCall {
    std::size_t parts = 1;     // calls that share the pixels, or with in_halves the channels
    bool by_channels = false;  // partials are of strips
    bool in_halves = false;    // mlp_hidden and mlp_outputs; needs by_channels
    bool in_place = false;
    bool has_partials = true;
    GuardedBuffer::Place place = GuardedBuffer::Place::at_end;  // of src, dst and partials
};

// Runs the kernel between guards, which it checks. `blocked`: the map, possibly changed.
MlpResult run_mlp(const kernels::KernelTable& table, const MlpCase& mlp,
                  const std::vector<float>& blocked, const MlpCall& call = {});

}  // namespace pf::test
