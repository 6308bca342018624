// apply: what every operation of a graph computes, in float64; one overload each.
// SPDX-License-Identifier: Apache-2.0
//
// Each takes its operation and its inputs, and returns its output. A NaN or infinity in the input
// comes out wherever it should. The files beside this one hold the loops, shapes in the first
// comment of each; C is channels, H height, W width, P = H * W pixels.
#pragma once

#include <cstddef>

#include "engine/graph/ops.hpp"
#include "engine/interpret/interpret.hpp"

namespace pf {

// What norm_stats yields: of a whole map [C, H, W], with the variance over all of it.
struct Statistics {
    double mean = 0;
    double rstd = 0;  // 1 / sqrt(variance + eps)
};

inline std::size_t num_pixels(const Map& map) {
    return map.height * map.width;
}
inline double* channel(Map& map, std::size_t c) {
    return map.data.data() + c * num_pixels(map);
}
inline const double* channel(const Map& map, std::size_t c) {
    return map.data.data() + c * num_pixels(map);
}

Map make_map(std::size_t channels, std::size_t height, std::size_t width);  // zeros

// matrices.cpp
Map apply(const Conv2d& op, const Map& x);
Map apply(const Linear& op, const Map& x);

// norms.cpp
Statistics statistics(const Map& x, double eps);
Map normalise(const Map& x, const Statistics& stats);
Map apply(const GroupNorm& op, const Map& x);
Map apply(const LayerNorm& op, const Map& x);
Map apply(const BatchNorm& op, const Map& x);
Map apply(const Normalise& op, const Map& x);

// pooling.cpp
Map apply(const Pool& op, const Map& x);
Map apply(const GlobalMean& op, const Map& x);

// pointwise.cpp
Map apply(const Add& op, const Map& a, const Map& b);
Map apply(const Subtract& op, const Map& a, const Map& b);
Map apply(const Scale& op, const Map& x);
Map apply(const Activation& op, const Map& x);

// fused.cpp
Map apply(const PoolMix& op, const Map& x, const Statistics& stats);
Map apply(const ChannelMlp& op, const Map& x, const Statistics& stats);
Map apply(const HeadOp& op, const Map& x, const Statistics& stats);  // norm_pool
Map apply(const HeadOp& op, const Map& x);                           // pool_norm

}  // namespace pf
