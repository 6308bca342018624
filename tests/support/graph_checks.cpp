// Comparing graphs before and after a pass.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/graph_checks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/hash.hpp"

namespace pf::test {

std::string op_names(const Graph& graph) {
    std::string names;
    for (const Node& node : graph.nodes) {
        if (!names.empty()) names += " ";
        names += op_name(node.op);
    }
    return names;
}

Map hash_map(std::size_t channels, std::size_t height, std::size_t width, std::uint64_t seed) {
    Map map{channels, height, width, std::vector<double>(channels * height * width)};
    for (std::size_t i = 0; i < map.data.size(); ++i) {
        map.data[i] = hash_unit(seed, name_key("input"), i);
    }
    return map;
}

double relative_difference(const Map& a, const Map& b) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (a.channels != b.channels || a.height != b.height || a.width != b.width) return kInfinity;
    double difference = 0;
    double largest = std::numeric_limits<double>::min();
    for (std::size_t i = 0; i < a.data.size(); ++i) {
        if (!std::isfinite(a.data[i]) || !std::isfinite(b.data[i])) return kInfinity;
        difference = std::max(difference, std::abs(a.data[i] - b.data[i]));
        largest = std::max(largest, std::abs(a.data[i]));
    }
    return difference / largest;
}

double relative_difference(const Interpretation& a, const Interpretation& b) {
    if (a.taps.size() != b.taps.size()) return std::numeric_limits<double>::infinity();
    double difference = relative_difference(a.output, b.output);
    for (const auto& [name, map] : a.taps) {
        const auto other = b.taps.find(name);
        if (other == b.taps.end()) return std::numeric_limits<double>::infinity();
        difference = std::max(difference, relative_difference(map, other->second));
    }
    return difference;
}

double change_by(void (*pass)(Graph& graph), Graph& graph, const Map& input) {
    const Result<Interpretation> before = interpret(graph, input);
    REQUIRE(before);
    pass(graph);
    const Result<Interpretation> after = interpret(graph, input);
    REQUIRE(after);
    return relative_difference(*before, *after);
}

}  // namespace pf::test
