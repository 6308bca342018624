// Graph: a network as nodes in execution order. Passes rewrite it, the interpreter runs it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/graph/ops.hpp"

namespace pf {

using Value = std::size_t;  // names what a node produces; unique in a graph, never reused

// The statistics a node writes about its own output, once attach_statistics has moved them there.
struct AttachedStats {
    Value output = 0;
    double eps = 0;
};

struct Node {
    std::string name;  // where it stands in the network: "embed.0", "s1.b0.norm1", "fc"
    Op op;
    std::vector<Value> inputs;
    Value output = 0;
    std::optional<AttachedStats> stats;
};

// A block's output, under the block's name: what a tap copies out.
struct Tap {
    std::string name;  // "s0.b1"
    Value value = 0;
};

// Nodes are in execution order: a node reads only values that stand before it. The first is the
// input, the last one's output is the logits. The graph refers to tensors of the Weights it was
// built from and must not outlive them.
struct Graph {
    std::vector<Node> nodes;
    std::vector<Tap> taps;  // one per block, in execution order; passes keep these values alive
    Value next_value = 0;

    Value add(std::string name, Op op, std::vector<Value> inputs);  // appends; returns the output
    bool is_read_after(const Node& node, Value value) const;  // by a node that stands behind it
};

// Channels of every value, by Value: of a map or vector itself, of the map that statistics are of.
std::vector<std::size_t> count_channels(const Graph& graph);

// PoolFormer on one page: the nodes of the network that `description` describes. An error names the
// field whose value the engine cannot run.
Result<Graph> build_graph(const Description& description, const Weights& weights);

// One line a node: name, operation, output channels, inputs; for `inspect` and for tests.
std::string to_string(const Graph& graph);

}  // namespace pf
