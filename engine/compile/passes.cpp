// The passes in their order.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/passes.hpp"

namespace pf {
namespace {

// Norms that can disappear go first. fuse_token_mixer and fuse_head want whole norms, so they run
// before fold_norm_affine takes the rest apart; fuse_channel_mlp wants what that leaves, and
// fold_scale must have taken the scale between its second linear and the add. Statistics attach to
// fused nodes, so last.
constexpr Pass kPasses[] = {
    {"fold_batch_norm", fold_batch_norm},     {"fold_scale", fold_scale},
    {"fuse_token_mixer", fuse_token_mixer},   {"fuse_head", fuse_head},
    {"fold_norm_affine", fold_norm_affine},   {"fuse_channel_mlp", fuse_channel_mlp},
    {"attach_statistics", attach_statistics},
};

}  // namespace

std::span<const Pass> passes() {
    return kPasses;
}

void fuse(Graph& graph) {
    for (const Pass& pass : passes()) pass.run(graph);
}

}  // namespace pf
