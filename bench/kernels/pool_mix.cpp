// pool_mix: token mixing of one half block, limited by how fast a map is read and written.
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
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
    AlignedBuffer map = random_floats(map_floats);
    AlignedBuffer scratch = random_floats(shape.side * table.block);
    const std::vector<float> scale(padded_channels);  // zeros: the map stays as it is
    std::vector<kernels::Partial> partials(num_blocks *
                                           kernels::num_strips(shape.side, shape.side));
    const kernels::PoolMixArgs args{.src = map.data(),
                                    .dst = map.data(),
                                    .scale = scale.data(),
                                    .height = shape.side,
                                    .width = shape.side,
                                    .channels = shape.channels,
                                    .partials = partials.data(),
                                    .blocks = {0, num_blocks},
                                    .scratch = scratch.data()};
    const Work work{.bytes = 2.0 * sizeof(float) * static_cast<double>(map_floats)};
    measure(state, table, work, [&] { table.pool_mix(args); });
}

void copy(benchmark::State& state, const kernels::KernelTable& table, const StageShape& shape) {
    const std::size_t map_floats = round_up(shape.channels, table.block) * shape.pixels();
    const AlignedBuffer src = random_floats(map_floats);
    AlignedBuffer dst = random_floats(map_floats);
    const Work work{.bytes = 2.0 * sizeof(float) * static_cast<double>(map_floats)};
    measure(state, table, work,
            [&] { std::memcpy(dst.data(), src.data(), map_floats * sizeof(float)); });
}

}  // namespace

void add_copy_map(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("copy_map", table, shape.name(),
                      [&table, shape](benchmark::State& state) { copy(state, table, shape); });
    });
}

void add_pool_mix(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("pool_mix", table, shape.name(),
                      [&table, shape](benchmark::State& state) { run(state, table, shape); });
    });
}

}  // namespace pf::bench
