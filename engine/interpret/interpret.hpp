// The interpreter: runs any graph, before or after any pass, in float64 with plain loops.
// SPDX-License-Identifier: Apache-2.0
//
// It is the engine's truth, not its speed: tests hold it against PyTorch in float64, and the fast
// executor against it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/graph/graph.hpp"

namespace pf {

// One image's map, dense [channels, height, width].
struct Map {
    std::size_t channels = 0;
    std::size_t height = 0;
    std::size_t width = 0;
    std::vector<double> data;
};

struct Interpretation {
    Map output;                       // the logits: [classes, 1, 1]
    std::map<std::string, Map> taps;  // by name, every tap of the graph
};

// `input`: one image, channels as the graph's input. Fails when a convolution would have no output.
Result<Interpretation> interpret(const Graph& graph, const Map& input);

}  // namespace pf
