// fma_probe: the peak itself, as a benchmark like any other.
// SPDX-License-Identifier: Apache-2.0
#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/measure.hpp"

namespace pf::bench {
namespace {

constexpr std::size_t kIterations = 10000;

void run(benchmark::State& state, const kernels::KernelTable& table) {
    const Work work{.operations = table.fma_probe(kIterations)};
    measure(state, table, work, [&] { benchmark::DoNotOptimize(table.fma_probe(kIterations)); });
}

}  // namespace

void add_fma_probe(const kernels::KernelTable& table) {
    add_benchmark("fma_probe", table, "registers",
                  [&table](benchmark::State& state) { run(state, table); });
}

}  // namespace pf::bench
