// group_norm -> global_mean -> linear   becomes   norm_stats -> head (norm_pool)
// SPDX-License-Identifier: Apache-2.0
// global_mean -> group_norm or layer_norm -> linear   becomes   head (pool_norm)
#include <optional>
#include <utility>

#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {
namespace {

// A norm with one mean and one variance.
struct PooledNorm {
    double eps;
    Vector weight;
    Vector bias;
};

// The mean over pixels is linear, so weight and bias of a norm before it can wait for its result.
void fuse_norm_pool(Rewriter& rewriter, Node& norm) {
    const auto* group_norm = op_if<GroupNorm>(&norm);
    Node* mean = rewriter.only_reader(norm.output);
    if (group_norm == nullptr || op_if<GlobalMean>(mean) == nullptr) return;
    Node* last = rewriter.only_reader(mean->output);
    auto* linear = op_if<Linear>(last);
    if (linear == nullptr) return;

    const Value stats = rewriter.new_value();
    last->name = name_beside(*last, "head");
    last->op =
        HeadOp{HeadOrder::norm_pool, 0.0, std::move(*linear), group_norm->weight, group_norm->bias};
    last->inputs = {norm.inputs[0], stats};
    norm.op = NormStats{group_norm->eps};
    norm.output = stats;
    rewriter.remove(*mean);
}

// On a vector, one group and one pixel are the same, so both norms do.
std::optional<PooledNorm> pooled_norm(Node* node) {
    if (auto* norm = op_if<GroupNorm>(node)) return {{norm->eps, norm->weight, norm->bias}};
    if (auto* norm = op_if<LayerNorm>(node)) return {{norm->eps, norm->weight, norm->bias}};
    return {};
}

void fuse_pool_norm(Rewriter& rewriter, Node& mean) {
    if (op_if<GlobalMean>(&mean) == nullptr) return;
    Node* node = rewriter.only_reader(mean.output);
    const std::optional<PooledNorm> norm = pooled_norm(node);
    if (!norm) return;
    Node* last = rewriter.only_reader(node->output);
    auto* linear = op_if<Linear>(last);
    if (linear == nullptr) return;

    last->name = name_beside(*last, "head");
    last->op =
        HeadOp{HeadOrder::pool_norm, norm->eps, std::move(*linear), norm->weight, norm->bias};
    last->inputs = mean.inputs;
    rewriter.remove(mean);
    rewriter.remove(*node);
}

}  // namespace

void fuse_head(Graph& graph) {
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        fuse_norm_pool(rewriter, node);
        fuse_pool_norm(rewriter, node);
    }
    rewriter.drop_removed();
}

}  // namespace pf
