// map_statistics: the pass over a map whose producer took no statistics, limited by reading.
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
    const std::size_t padded_channels = round_up(shape.channels, table.block);
    const std::size_t map_floats = padded_channels * shape.pixels();
    const std::size_t num_blocks = padded_channels / table.block;
    const AlignedBuffer src = random_floats(map_floats);
    std::vector<kernels::Partial> partials(num_blocks *
                                           kernels::num_strips(shape.side, shape.side));
    const kernels::MapStatisticsArgs args{.src = src.data(),
                                          .height = shape.side,
                                          .width = shape.side,
                                          .channels = shape.channels,
                                          .partials = partials.data(),
                                          .blocks = {0, num_blocks}};
    const Work work{.bytes = sizeof(float) * static_cast<double>(map_floats)};
    measure(state, table, work, [&] { table.map_statistics(args); });
}

}  // namespace

void add_map_statistics(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("map_statistics", table, shape.name(),
                      [&table, shape](benchmark::State& state) { run(state, table, shape); });
    });
}

}  // namespace pf::bench
