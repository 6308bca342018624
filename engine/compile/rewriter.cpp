// Rewriter: the readers of every value, and the removal of merged nodes.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/rewriter.hpp"

#include <utility>

namespace pf {

Rewriter::Rewriter(Graph& graph)
    : graph_(graph),
      readers_(graph.next_value),
      is_tapped_(graph.next_value, false),
      is_removed_(graph.nodes.size(), false) {
    for (Node& node : graph.nodes) {
        for (const Value input : node.inputs) {
            std::vector<Node*>& readers = readers_[input];
            if (readers.empty() || readers.back() != &node) readers.push_back(&node);
        }
    }
    for (const Tap& tap : graph.taps) is_tapped_[tap.value] = true;
}

Node* Rewriter::only_reader(Value value) const {
    if (is_tapped_[value] || readers_[value].size() != 1) return nullptr;
    return readers_[value].front();
}

void Rewriter::drop_removed() {
    std::vector<Node> kept;
    kept.reserve(graph_.nodes.size());
    for (Node& node : graph_.nodes) {
        if (!is_removed(node)) kept.push_back(std::move(node));
    }
    graph_.nodes = std::move(kept);
}

std::size_t Rewriter::index(const Node& node) const {
    return static_cast<std::size_t>(&node - graph_.nodes.data());
}

bool adds(const Node* node, Value residual, Value branch) {
    if (node == nullptr || !std::holds_alternative<Add>(node->op)) return false;
    return node->inputs == std::vector{residual, branch} ||
           node->inputs == std::vector{branch, residual};
}

std::string name_beside(const Node& node, std::string_view last_part) {
    const std::size_t dot = node.name.rfind('.');
    const std::size_t kept = dot == std::string::npos ? 0 : dot + 1;
    return node.name.substr(0, kept).append(last_part);
}

}  // namespace pf
