// Graph: adding nodes and asking about values.
// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/graph.hpp"

#include <algorithm>
#include <utility>

namespace pf {
namespace {

// `input`: channels of what the node reads first.
std::size_t output_channels(const Op& op, std::size_t input) {
    if (const auto* image = std::get_if<InputOp>(&op)) return image->channels;
    if (const auto* conv = std::get_if<Conv2d>(&op)) return conv->weight.rows;
    if (const auto* linear = std::get_if<Linear>(&op)) return linear->weight.rows;
    if (const auto* head = std::get_if<HeadOp>(&op)) return head->linear.weight.rows;
    return input;
}

}  // namespace

Value Graph::add(std::string name, Op op, std::vector<Value> inputs) {
    const Value output = next_value++;
    nodes.push_back({std::move(name), std::move(op), std::move(inputs), output, std::nullopt});
    return output;
}

bool Graph::is_read_after(const Node& node, Value value) const {
    const auto reads = [value](const Node& other) {
        return std::find(other.inputs.begin(), other.inputs.end(), value) != other.inputs.end();
    };
    return std::any_of(&node + 1, nodes.data() + nodes.size(), reads);
}

std::vector<std::size_t> count_channels(const Graph& graph) {
    std::vector<std::size_t> channels(graph.next_value, 0);
    for (const Node& node : graph.nodes) {
        const std::size_t input = node.inputs.empty() ? 0 : channels[node.inputs[0]];
        channels[node.output] = output_channels(node.op, input);
        if (node.stats) channels[node.stats->output] = channels[node.output];
    }
    return channels;
}

}  // namespace pf
