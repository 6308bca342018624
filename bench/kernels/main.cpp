// pf_bench: every kernel, on every instruction set this CPU can run, at the models' real shapes.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "bench/kernels/benchmarks.hpp"
#include "kernels/dispatch.hpp"

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const pf::kernels::KernelTable* table : pf::kernels::runnable_tables()) {
        pf::bench::add_fma_probe(*table);
        pf::bench::add_convolutions(*table);
        pf::bench::add_pool_mix(*table);
        pf::bench::add_map_statistics(*table);
        pf::bench::add_channel_mlp(*table);
        pf::bench::add_channel_means(*table);
        pf::bench::add_linear(*table);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
