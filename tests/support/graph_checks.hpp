// What tests of graphs ask: which operations there are, and whether a pass kept the numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/interpret/interpret.hpp"

namespace pf::test {

// How far a pass may move any number, relative to the largest of its map (all in float64).
constexpr double kPassTolerance = 1e-11;

struct MapSize {
    std::size_t height;
    std::size_t width;
};

// "input group_norm linear"
std::string op_names(const Graph& graph);

// A map of hash values in [-1, 1).
Map hash_map(std::size_t channels, std::size_t height, std::size_t width, std::uint64_t seed = 7);

// max |a - b| / max |a|; infinity if the shapes differ or a number is not finite.
double relative_difference(const Map& a, const Map& b);

// The largest relative difference between two runs, over the output and every tap; infinity if
// they have other taps.
double relative_difference(const Interpretation& a, const Interpretation& b);

// Runs the pass on the graph and returns how far it moved the output and the taps for this input.
double change_by(void (*pass)(Graph& graph), Graph& graph, const Map& input);

}  // namespace pf::test
