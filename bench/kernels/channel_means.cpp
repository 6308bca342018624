// channel_means: the head's mean over the pixels.
// SPDX-License-Identifier: Apache-2.0
#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"

namespace pf::bench {
namespace {

using kernels::round_up;

void run(benchmark::State& state, const kernels::KernelTable& table, const StageShape& shape) {
    const std::size_t padded_channels = round_up(shape.channels, table.block);
    const std::size_t map_floats = padded_channels * shape.pixels();
    const AlignedBuffer src = random_floats(map_floats);
    AlignedBuffer dst = random_floats(padded_channels);
    const kernels::ChannelMeansArgs args{.src = src.data(),
                                         .num_pixels = shape.pixels(),
                                         .channels = shape.channels,
                                         .dst = dst.data()};
    const Work work{.bytes = sizeof(float) * static_cast<double>(map_floats)};
    measure(state, table, work, [&] { table.channel_means(args); });
}

}  // namespace

void add_channel_means(const kernels::KernelTable& table) {
    for_each_head([&](const StageShape& shape) {
        add_benchmark("channel_means", table, shape.name(),
                      [&table, shape](benchmark::State& state) { run(state, table, shape); });
    });
}

}  // namespace pf::bench
