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

std::size_t Graph::num_users(Value value) const {
    const auto reads = [value](const Node& node) {
        return std::find(node.inputs.begin(), node.inputs.end(), value) != node.inputs.end();
    };
    const auto names = [value](const Tap& tap) { return tap.value == value; };
    return static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), reads) +
                                    std::count_if(taps.begin(), taps.end(), names));
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
