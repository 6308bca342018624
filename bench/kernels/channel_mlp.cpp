// channel_mlp: the half block that holds nearly all the work, with weights that stream from memory,
// and a single tile of it with weights that stay where they are.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"

namespace pf::bench {
namespace {

using kernels::round_up;

enum class Weights { streamed, kept };

void run(benchmark::State& state, const kernels::KernelTable& table, std::size_t channels,
         std::size_t num_pixels, Weights kind) {
    const std::size_t hidden = kMlpRatio * channels;
    const kernels::MlpLayout layout{.channels = channels, .hidden = hidden, .panel = table.panel};
    const std::size_t map_floats = round_up(channels, table.block) * num_pixels;
    // In place, as in a network.
    AlignedBuffer map = random_floats(map_floats);
    const AlignedBuffer fc1_bias = random_floats(layout.padded_hidden());
    const AlignedBuffer fc2_bias = random_floats(layout.outputs());
    AlignedBuffer scratch = random_floats(layout.scratch_floats(num_pixels));
    std::vector<kernels::Partial> partials(num_pixels);
    StreamedWeights weights(layout.weight_floats());
    // With an rstd of 0 each call adds the same to the map. Any other would let it grow
    // exponentially.
    kernels::ChannelMlpArgs args{.src = map.data(),
                                 .dst = map.data(),
                                 .num_pixels = num_pixels,
                                 .layout = layout,
                                 .weights = weights.next(),
                                 .fc1_bias = fc1_bias.data(),
                                 .fc2_bias = fc2_bias.data(),
                                 .rstd = 0,
                                 .partials = partials.data(),
                                 .pixels = {0, num_pixels},
                                 .scratch = scratch.data()};
    const std::size_t macs = 2 * channels * hidden * num_pixels;
    const std::size_t floats = layout.weight_floats() + 2 * map_floats;
    const Work work{.operations = 2.0 * static_cast<double>(macs),
                    .bytes = sizeof(float) * static_cast<double>(floats)};
    measure(state, table, work, [&] {
        if (kind == Weights::streamed) args.weights = weights.next();
        table.channel_mlp(args);
    });
}

}  // namespace

void add_channel_mlp(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("channel_mlp", table, shape.name(), [&table, shape](benchmark::State& state) {
            run(state, table, shape.channels, shape.pixels(), Weights::streamed);
        });
    });
    for_each_stage([&](const StageShape& shape) {
        const std::string name = "C" + std::to_string(shape.channels);
        add_benchmark("channel_mlp_tile", table, name, [&table, shape](benchmark::State& state) {
            run(state, table, shape.channels, kernels::max_tile_rows(table.panel), Weights::kept);
        });
    });
}

}  // namespace pf::bench
