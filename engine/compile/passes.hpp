// The passes: each rewrites the graph in place and keeps what it computes, to rounding in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "engine/graph/graph.hpp"

namespace pf {

// conv2d or linear -> batch_norm, or batch_norm -> linear   becomes   one conv2d or linear.
// Never batch_norm -> conv2d: the zero padding of the convolution stands behind the norm.
void fold_batch_norm(Graph& graph);

// group_norm(weight, bias) -> linear   becomes   normalise -> linear
void fold_norm_affine(Graph& graph);

// linear -> scale   becomes   linear
void fold_scale(Graph& graph);

// group_norm -> pool 3x3 - x -> scale -> add   becomes   norm_stats -> pool_mix
void fuse_token_mixer(Graph& graph);

// normalise -> linear -> activation -> linear -> add   becomes   norm_stats -> channel_mlp
void fuse_channel_mlp(Graph& graph);

// group_norm -> global_mean -> linear   becomes   norm_stats -> head (norm_pool)
// global_mean -> group_norm or layer_norm -> linear   becomes   head (pool_norm)
void fuse_head(Graph& graph);

// pool_mix or channel_mlp -> norm_stats   becomes   pool_mix or channel_mlp with its statistics
void attach_statistics(Graph& graph);

struct Pass {
    const char* name;
    void (*run)(Graph& graph);
};

// Every pass in the order in which compile() runs them.
std::span<const Pass> passes();

// All of them.
void fuse(Graph& graph);

}  // namespace pf
