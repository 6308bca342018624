// channel_mlp: the half block that holds nearly all the work, with weights that stream from memory.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"

namespace pf::bench {
namespace {

using kernels::round_up;

void run(benchmark::State& state, const kernels::KernelTable& table, const StageShape& shape) {
    const std::size_t hidden = kMlpRatio * shape.channels;
    const kernels::MlpLayout layout{
        .channels = shape.channels, .hidden = hidden, .panel = table.panel};
    const std::size_t map_floats = round_up(shape.channels, table.block) * shape.pixels();
    const AlignedBuffer src = random_floats(map_floats);
    const AlignedBuffer fc1_bias = random_floats(layout.padded_hidden());
    const AlignedBuffer fc2_bias = random_floats(layout.outputs());
    AlignedBuffer dst = random_floats(map_floats);
    AlignedBuffer scratch = random_floats(layout.scratch_floats());
    std::vector<kernels::Partial> partials(shape.pixels());
    StreamedWeights weights(layout.weight_floats());
    kernels::ChannelMlpArgs args{.src = src.data(),
                                 .dst = dst.data(),
                                 .num_pixels = shape.pixels(),
                                 .layout = layout,
                                 .fc1_bias = fc1_bias.data(),
                                 .fc2_bias = fc2_bias.data(),
                                 .partials = partials.data(),
                                 .pixels = {0, shape.pixels()},
                                 .scratch = scratch.data()};
    const std::size_t macs = 2 * shape.channels * hidden * shape.pixels();
    measure(state, table, {.operations = 2.0 * static_cast<double>(macs)}, [&] {
        args.weights = weights.next();
        table.channel_mlp(args);
    });
}

}  // namespace

void add_channel_mlp(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("channel_mlp", table, shape.name(),
                      [&table, shape](benchmark::State& state) { run(state, table, shape); });
    });
}

}  // namespace pf::bench
