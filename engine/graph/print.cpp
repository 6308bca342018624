// to_string(Graph): the listing that `poolformer inspect` shows.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/load/description.hpp"

namespace pf {
namespace {

std::string text(std::size_t number) {
    return std::to_string(number);
}

std::string window_text(std::size_t size) {
    return text(size) + "x" + text(size);
}

std::string eps_text(double eps) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%g", eps);
    return std::string(" eps ") + digits;
}

std::string matrix_text(const Matrix& matrix) {
    return " " + text(matrix.columns) + " -> " + text(matrix.rows);
}

// The parameters of an operation, each with a leading space; nothing for most.
struct Parameters {
    std::string operator()(const Conv2d& op) const {
        return " " + window_text(op.window.kernel) + " stride " + text(op.window.stride) +
               " padding " + text(op.window.padding) + ", " + text(op.in_channels) + " -> " +
               text(op.weight.rows);
    }
    std::string operator()(const GroupNorm& op) const { return eps_text(op.eps); }
    std::string operator()(const LayerNorm& op) const { return eps_text(op.eps); }
    std::string operator()(const BatchNorm& op) const { return eps_text(op.eps); }
    std::string operator()(const Normalise& op) const { return eps_text(op.eps); }
    std::string operator()(const NormStats& op) const { return eps_text(op.eps); }
    std::string operator()(const Pool& op) const { return " " + window_text(op.size); }
    std::string operator()(const PoolMix&) const { return " 3x3"; }
    std::string operator()(const Linear& op) const { return matrix_text(op.weight); }
    std::string operator()(const Activation& op) const {
        return " " + std::string(name_of(op.kind));
    }
    std::string operator()(const ChannelMlp& op) const {
        return matrix_text(op.fc1.weight) + " -> " + text(op.fc2.weight.rows) + " " +
               std::string(name_of(op.activation));
    }
    std::string operator()(const HeadOp& op) const {
        const std::string eps = op.order == HeadOrder::pool_norm ? eps_text(op.eps) : "";
        return " " + std::string(name_of(op.order)) + eps + matrix_text(op.linear.weight);
    }
    template <class Other>
    std::string operator()(const Other&) const {
        return {};
    }
};

std::string operation_text(const Node& node) {
    std::string line = op_name(node.op) + std::visit(Parameters{}, node.op);
    if (node.stats) line += " + norm_stats" + eps_text(node.stats->eps);
    return line;
}

// By Value: the name of the node that produces it.
std::vector<std::string> value_names(const Graph& graph) {
    std::vector<std::string> names(graph.next_value);
    for (const Node& node : graph.nodes) {
        names[node.output] = node.name;
        if (node.stats) names[node.stats->output] = "norm_stats(" + node.name + ")";
    }
    return names;
}

std::string inputs_text(const Node& node, const std::vector<std::string>& names) {
    std::string line;
    for (const Value input : node.inputs) line += (line.empty() ? "" : ", ") + names[input];
    return line;
}

std::string pad_right(std::string cell, std::size_t width) {
    cell.resize(std::max(width, cell.size()), ' ');
    return cell;
}

std::string pad_left(const std::string& cell, std::size_t width) {
    return std::string(width - std::min(width, cell.size()), ' ') + cell;
}

}  // namespace

std::string to_string(const Graph& graph) {
    std::size_t name_width = 0;
    std::size_t operation_width = 0;
    for (const Node& node : graph.nodes) {
        name_width = std::max(name_width, node.name.size());
        operation_width = std::max(operation_width, operation_text(node).size());
    }
    const std::vector<std::size_t> channels = count_channels(graph);
    const std::vector<std::string> names = value_names(graph);
    constexpr std::size_t kChannelsWidth = 5;

    std::string listing;
    for (const Node& node : graph.nodes) {
        std::string line = pad_right(node.name, name_width) + "  " +
                           pad_right(operation_text(node), operation_width) + "  " +
                           pad_left(text(channels[node.output]), kChannelsWidth);
        if (!node.inputs.empty()) line += "  " + inputs_text(node, names);
        listing += line + "\n";
    }
    return listing;
}

}  // namespace pf
