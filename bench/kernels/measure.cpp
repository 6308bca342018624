// How a kernel is measured: the peak and the counters.
// SPDX-License-Identifier: Apache-2.0
#include "bench/kernels/measure.hpp"

#include <map>

#include "tools/cli/peak_probe.hpp"

namespace pf::bench {

double peak_gflops(const kernels::KernelTable& table) {
    static std::map<const kernels::KernelTable*, cli::PeakProbe> probes;
    return probes.try_emplace(&table, table, 1).first->second.measure();
}

void set_counters(benchmark::State& state, const Work& work, double seconds, double peak) {
    const double calls_per_ns = static_cast<double>(state.iterations()) / (seconds * 1e9);
    if (work.operations > 0) {
        const double gflops = work.operations * calls_per_ns;
        state.counters["GFLOP/s"] = gflops;
        state.counters["peak_percent"] = 100 * gflops / peak;
    }
    if (work.bytes > 0) state.counters["GB/s"] = work.bytes * calls_per_ns;
}

}  // namespace pf::bench
