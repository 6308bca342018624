// group_norm(weight, bias) -> linear   becomes   normalise -> linear
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/affine.hpp"
#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {

void fold_norm_affine(Graph& graph) {
    const Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        const auto* norm = op_if<GroupNorm>(&node);
        if (norm == nullptr) continue;
        auto* linear = op_if<Linear>(rewriter.only_reader(node.output));
        if (linear == nullptr) continue;
        fold_before({norm->weight, norm->bias}, *linear);
        node.op = Normalise{norm->eps};
    }
}

}  // namespace pf
