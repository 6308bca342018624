// add_partials: what a norm adds up, the partials of a map by pool_mix and by the MLP.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"

namespace pf::bench {
namespace {

void run(benchmark::State& state, const kernels::KernelTable& table, std::size_t count) {
    const std::vector<kernels::Partial> partials(count, {1.0f, 1.0f});
    const Work work{.bytes = sizeof(kernels::Partial) * static_cast<double>(count)};
    measure(state, table, work, [&] {
        benchmark::DoNotOptimize(table.add_partials(partials.data(), partials.size()));
    });
}

}  // namespace

void add_add_partials(const kernels::KernelTable& table) {
    const auto add = [&](const StageShape& shape, const char* producer, std::size_t count) {
        add_benchmark("add_partials", table, shape.name() + "/" + producer,
                      [&table, count](benchmark::State& state) { run(state, table, count); });
    };
    for_each_stage([&](const StageShape& shape) {
        const std::size_t blocks = kernels::divide_up(shape.channels, table.block);
        add(shape, "pool_mix", blocks * kernels::num_strips(shape.side, shape.side));
        add(shape, "channel_mlp", shape.pixels());
    });
}

}  // namespace pf::bench
