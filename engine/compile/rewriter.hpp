// Rewriter: what a pass needs to match nodes and to remove those it has merged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.hpp"

namespace pf {

// Knows the readers of every value as they were when it was made. A pass changes nodes in place, so
// that pointers stay valid, and drops the removed ones when it is done.
class Rewriter {
  public:
    explicit Rewriter(Graph& graph);

    // Every reader, in execution order; a node that reads a value twice counts once.
    const std::vector<Node*>& readers(Value value) const { return readers_[value]; }

    // Taps keep a value alive: a node whose output is tapped may not be merged away.
    bool is_tapped(Value value) const { return is_tapped_[value]; }

    // The one node that reads an untapped value; null for none, several, or a tapped value.
    Node* only_reader(Value value) const;

    Value new_value() { return graph_.next_value++; }
    void remove(const Node& node) { is_removed_[index(node)] = true; }
    bool is_removed(const Node& node) const { return is_removed_[index(node)]; }
    void drop_removed();  // ends the pass: invalidates every pointer to a node

  private:
    std::size_t index(const Node& node) const;

    Graph& graph_;
    std::vector<std::vector<Node*>> readers_;
    std::vector<bool> is_tapped_;
    std::vector<bool> is_removed_;
};

// The node's operation if it is an Op; null if the node is null or something else.
template <class Op>
Op* op_if(Node* node) {
    return node == nullptr ? nullptr : std::get_if<Op>(&node->op);
}

// Whether `node` is residual + branch, in either order.
bool adds(const Node* node, Value residual, Value branch);

// A fused node's name: `node`'s with its last part replaced, "s1.b0.add1" -> "s1.b0.pool_mix".
std::string name_beside(const Node& node, std::string_view last_part);

}  // namespace pf
