// How a kernel is measured: timed between two probes of the core's peak, with counters.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "kernels/kernels.hpp"
#include "tools/cli/latency.hpp"

namespace pf::bench {

// What one call does. Bytes are those that must move at least: sources read, results written.
struct Work {
    double operations = 0;
    double bytes = 0;
};

// GFLOP/s of one thread at this moment, in the instruction set's own vectors; about 10 ms.
double peak_gflops(const kernels::KernelTable& table);

// Sets the counters GFLOP/s, peak_percent and GB/s, as far as `work` has something to count.
void set_counters(benchmark::State& state, const Work& work, double seconds, double peak);

// Times `run`, called again and again. The clock may change from second to second, so the peak is
// taken right before and right after. The first call, which meets cold code and untouched pages, is
// not timed.
template <class Run>
void measure(benchmark::State& state, const kernels::KernelTable& table, const Work& work,
             Run&& run) {
    run();
    const double peak_before = peak_gflops(table);
    const cli::Stopwatch watch;
    for (auto _ : state) {
        run();
        benchmark::ClobberMemory();
    }
    const double seconds = watch.elapsed_ms() * 1e-3;
    set_counters(state, work, seconds, std::max(peak_before, peak_gflops(table)));
}

// Registers `body(state)` as KERNEL/ISA/SHAPE.
template <class Body>
void add_benchmark(const char* kernel, const kernels::KernelTable& table, const std::string& shape,
                   Body&& body) {
    const std::string name = std::string(kernel) + "/" + table.name + "/" + shape;
    benchmark::RegisterBenchmark(name.c_str(), body)->UseRealTime();
}

}  // namespace pf::bench
