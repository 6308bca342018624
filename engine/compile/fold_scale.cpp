// linear -> scale   becomes   linear
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/affine.hpp"
#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {

void fold_scale(Graph& graph) {
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        auto* linear = op_if<Linear>(&node);
        if (linear == nullptr) continue;
        Node* next = rewriter.only_reader(node.output);
        while (const auto* scale = op_if<Scale>(next)) {
            fold_after(linear->weight, linear->bias, {scale->factor, {}});
            node.output = next->output;
            rewriter.remove(*next);
            next = rewriter.only_reader(node.output);
        }
    }
    rewriter.drop_removed();
}

}  // namespace pf
