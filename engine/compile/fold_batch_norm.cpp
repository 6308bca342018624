// conv2d or linear -> batch_norm, or batch_norm -> linear   becomes   one conv2d or linear
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/affine.hpp"
#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {
namespace {

void fold_into_producer(Rewriter& rewriter, Node& producer, Matrix& weight, Vector& bias) {
    Node* next = rewriter.only_reader(producer.output);
    while (const BatchNorm* norm = op_if<BatchNorm>(next)) {
        fold_after(weight, bias, to_affine(*norm));
        producer.output = next->output;
        rewriter.remove(*next);
        next = rewriter.only_reader(producer.output);
    }
}

void fold_into_reader(Rewriter& rewriter, Node& node, const BatchNorm& norm) {
    Node* reader = rewriter.only_reader(node.output);
    Linear* linear = op_if<Linear>(reader);
    if (linear == nullptr) return;
    fold_before(to_affine(norm), *linear);
    reader->inputs = node.inputs;
    rewriter.remove(node);
}

}  // namespace

void fold_batch_norm(Graph& graph) {
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        if (rewriter.is_removed(node)) continue;
        if (auto* conv = op_if<Conv2d>(&node)) {
            fold_into_producer(rewriter, node, conv->weight, conv->bias);
        } else if (auto* linear = op_if<Linear>(&node)) {
            fold_into_producer(rewriter, node, linear->weight, linear->bias);
        } else if (auto* norm = op_if<BatchNorm>(&node)) {
            fold_into_reader(rewriter, node, *norm);
        }
    }
    rewriter.drop_removed();
}

}  // namespace pf
