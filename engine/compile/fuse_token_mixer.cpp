// group_norm -> pool 3x3 - x -> scale -> add   becomes   norm_stats -> pool_mix
// SPDX-License-Identifier: Apache-2.0
//
// The pool keeps constants, so the norm's mean and bias cancel in pool(norm(x)) - norm(x): what is
// left is weight * rstd * (pool(x) - x). That holds for one mean and one rstd per image only, so no
// other norm may take this pass.
#include <optional>

#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {
namespace {

constexpr std::size_t kFusedPoolSize = 3;

struct TokenMixer {
    Node* norm;
    Node* pool;
    Node* subtract;
    Node* scale;  // null without layer scale
    Node* add;
};

std::optional<TokenMixer> match_token_mixer(const Rewriter& rewriter, Node& norm) {
    if (op_if<GroupNorm>(&norm) == nullptr || rewriter.is_tapped(norm.output)) return {};
    const std::vector<Node*>& readers = rewriter.readers(norm.output);
    if (readers.size() != 2) return {};
    Node* pool = readers[0];
    Node* subtract = readers[1];

    const Pool* window = op_if<Pool>(pool);
    if (window == nullptr || window->size != kFusedPoolSize) return {};
    if (rewriter.only_reader(pool->output) != subtract) return {};
    if (op_if<Subtract>(subtract) == nullptr) return {};
    if (subtract->inputs != std::vector{pool->output, norm.output}) return {};

    Node* branch = subtract;
    Node* next = rewriter.only_reader(branch->output);
    Node* scale = op_if<Scale>(next) != nullptr ? next : nullptr;
    if (scale != nullptr) {
        branch = scale;
        next = rewriter.only_reader(branch->output);
    }
    if (!adds(next, norm.inputs[0], branch->output)) return {};
    return TokenMixer{&norm, pool, subtract, scale, next};
}

// norm weight * layer scale, where either may be missing.
Vector combined_scale(const TokenMixer& found, std::size_t channels) {
    Vector combined = std::get<GroupNorm>(found.norm->op).weight;
    combined.resize(channels, 1.0);
    if (found.scale == nullptr) return combined;
    const Vector& layer_scale = std::get<Scale>(found.scale->op).factor;
    for (std::size_t c = 0; c < channels; ++c) combined[c] *= layer_scale[c];
    return combined;
}

void rewrite_token_mixer(Rewriter& rewriter, const TokenMixer& found, std::size_t channels) {
    const Value x = found.norm->inputs[0];
    const Value stats = rewriter.new_value();
    found.add->name = name_beside(*found.add, "pool_mix");
    found.add->op = PoolMix{combined_scale(found, channels)};
    found.add->inputs = {x, stats};
    found.norm->op = NormStats{std::get<GroupNorm>(found.norm->op).eps};
    found.norm->output = stats;
    rewriter.remove(*found.pool);
    rewriter.remove(*found.subtract);
    if (found.scale != nullptr) rewriter.remove(*found.scale);
}

}  // namespace

void fuse_token_mixer(Graph& graph) {
    const std::vector<std::size_t> channels = count_channels(graph);
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        if (const auto found = match_token_mixer(rewriter, node)) {
            rewrite_token_mixer(rewriter, *found, channels[node.inputs[0]]);
        }
    }
    rewriter.drop_removed();
}

}  // namespace pf
