// SessionPlan: the shapes, the arena and the work of a model at one input size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "engine/run/convert_input.hpp"

namespace pf {

struct MapPlan {
    std::size_t channels = 0;
    std::size_t height = 0;
    std::size_t width = 0;
    std::size_t offset = 0;  // in floats, into the arena

    std::size_t pixels() const { return height * width; }
};

// Whether threads share a channel MLP by channels. By a few pixels each, all of its weights would
// be read for next to nothing: 49 pixels take 4 threads 1.2 to 1.3 times as long
// (docs/architecture.md). Does not depend on the threads, since the units of statistics follow it.
constexpr bool is_shared_by_channels(std::size_t pixels) {
    return pixels <= 64;
}

// The statistics of one map. Their producer writes one Partial per unit: a pixel if it is a channel
// MLP that is shared by pixels, else a strip of rows of a channel block (kernels/layout.hpp).
struct StatsPlan {
    std::size_t map = 0;
    std::size_t num_units = 0;
    std::size_t capacity = 0;  // units there is room for, whoever writes them
    std::size_t offset = 0;    // in floats, into the arena
};

struct SessionPlan {
    std::size_t input_height = 0;
    std::size_t input_width = 0;
    std::vector<MapPlan> maps;          // by Model's numbers
    std::vector<StatsPlan> stats;       // by Model's numbers
    std::vector<std::size_t> tap_maps;  // the map of each tap
    // Of the arena, in floats: where the hidden values of an MLP lie that threads share by
    // channels, an image's planes (if its format is converted) and its logits (if the caller wants
    // none), and how much an image needs in all, with maps and partials.
    std::size_t hidden_offset = 0;
    std::size_t planes_offset = 0;
    std::size_t logits_offset = 0;
    std::size_t shared_floats = 0;
    std::size_t scratch_floats = 0;  // each thread needs as much more, oneDNN not counted
    std::uint64_t macs = 0;          // of convolutions and linears, per image
};

// Fails with invalid_argument when a convolution would have no output.
Result<SessionPlan> plan_session(const Model& model, std::size_t input_height,
                                 std::size_t input_width, InputFormat format,
                                 std::size_t num_threads);

}  // namespace pf
