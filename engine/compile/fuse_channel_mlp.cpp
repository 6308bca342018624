// normalise -> linear -> activation -> linear -> add   becomes   norm_stats -> channel_mlp
// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "engine/compile/passes.hpp"
#include "engine/compile/rewriter.hpp"

namespace pf {
namespace {

struct FoundMlp {
    Node* norm;
    Node* fc1;
    Node* activation;
    Node* fc2;
    Node* add;
};

std::optional<FoundMlp> match_channel_mlp(const Rewriter& rewriter, Node& norm) {
    if (op_if<Normalise>(&norm) == nullptr) return {};
    Node* fc1 = rewriter.only_reader(norm.output);
    if (op_if<Linear>(fc1) == nullptr) return {};
    Node* activation = rewriter.only_reader(fc1->output);
    if (op_if<Activation>(activation) == nullptr) return {};
    Node* fc2 = rewriter.only_reader(activation->output);
    if (op_if<Linear>(fc2) == nullptr) return {};
    Node* add = rewriter.only_reader(fc2->output);
    if (!adds(add, norm.inputs[0], fc2->output)) return {};
    return FoundMlp{&norm, fc1, activation, fc2, add};
}

void rewrite_channel_mlp(Rewriter& rewriter, const FoundMlp& found) {
    const Value x = found.norm->inputs[0];
    const Value stats = rewriter.new_value();
    found.add->name = name_beside(*found.add, "channel_mlp");
    found.add->op = ChannelMlp{std::move(std::get<Linear>(found.fc1->op)),
                               std::move(std::get<Linear>(found.fc2->op)),
                               std::get<Activation>(found.activation->op).kind};
    found.add->inputs = {x, stats};
    found.norm->op = NormStats{std::get<Normalise>(found.norm->op).eps};
    found.norm->output = stats;
    rewriter.remove(*found.fc1);
    rewriter.remove(*found.activation);
    rewriter.remove(*found.fc2);
}

}  // namespace

void fuse_channel_mlp(Graph& graph) {
    Rewriter rewriter(graph);
    for (Node& node : graph.nodes) {
        if (const auto found = match_channel_mlp(rewriter, node)) {
            rewrite_channel_mlp(rewriter, *found);
        }
    }
    rewriter.drop_removed();
}

}  // namespace pf
