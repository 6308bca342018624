// pf_bench_probe: the FMA peak as a shared library, for bench/suite.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/dispatch.hpp"
#include "tools/cli/peak_probe.hpp"

extern "C" {

// GFLOP/s that `num_threads` threads together do at most, right now, with the vectors of `isa`.
// About 25 ms, of which the first 20 wake the vector units up and are not counted. 0 if `isa` is no
// instruction set of this CPU.
__attribute__((visibility("default"))) double pf_probe_gflops(const char* isa,
                                                              std::size_t num_threads) {
    const pf::kernels::KernelTable* table = pf::kernels::find_table(isa);
    if (table == nullptr || !pf::kernels::cpu_can_run(*table)) return 0;
    return pf::cli::PeakProbe(*table, num_threads).measure();
}

// Runs `iterations` rounds of multiply-adds on this thread and returns how many operations that
// was; 0 as above.
__attribute__((visibility("default"))) double pf_probe_loop(const char* isa,
                                                            std::size_t iterations) {
    const pf::kernels::KernelTable* table = pf::kernels::find_table(isa);
    if (table == nullptr || !pf::kernels::cpu_can_run(*table)) return 0;
    return table->fma_probe(iterations);
}
}
