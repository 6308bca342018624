// pool_mix or channel_mlp -> norm_stats   becomes   pool_mix or channel_mlp with its statistics
// SPDX-License-Identifier: Apache-2.0
//
// Other readers of the output are no obstacle: the statistics are written beside it. A conv2d takes
// none: oneDNN writes nothing but its output, and our own kernels do as oneDNN.
#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {

void attach_statistics(Graph& graph) {
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        if (op_if<PoolMix>(&node) == nullptr && op_if<ChannelMlp>(&node) == nullptr) continue;
        for (Node* reader : rewriter.readers(node.output)) {
            const auto* stats = op_if<NormStats>(reader);
            if (stats == nullptr || node.stats) continue;
            node.stats = AttachedStats{reader->output, stats->eps};
            rewriter.remove(*reader);
        }
    }
    rewriter.drop_removed();
}

}  // namespace pf
