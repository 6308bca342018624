// PeakProbe: threads start together, each times its own share.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/peak_probe.hpp"

#include <barrier>
#include <numeric>
#include <thread>
#include <vector>

#include "tools/cli/latency.hpp"

namespace pf::cli {
namespace {

constexpr double kMeasureMs = 5;  // long against thread starts, short against a clock change

}  // namespace

PeakProbe::PeakProbe(const kernels::KernelTable& table, std::size_t num_threads)
    : table_(table), num_threads_(num_threads) {
    for (double elapsed_ms = 0; elapsed_ms < kMeasureMs; iterations_ *= 2) {
        const Stopwatch watch;
        table_.fma_probe(iterations_);
        elapsed_ms = watch.elapsed_ms();
    }
    iterations_ /= 2;
}

double PeakProbe::measure() const {
    std::barrier start(static_cast<std::ptrdiff_t>(num_threads_));
    std::vector<double> gflops(num_threads_);
    const auto run = [&](std::size_t thread) {
        // The first turn is not timed: new threads start on one core, and are moved to free ones.
        table_.fma_probe(iterations_);
        start.arrive_and_wait();
        const Stopwatch watch;
        const double operations = table_.fma_probe(iterations_);
        gflops[thread] = operations / (watch.elapsed_ms() * 1e6);
    };
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < num_threads_; ++thread) others.emplace_back(run, thread);
    run(0);
    others.clear();  // joins
    return std::accumulate(gflops.begin(), gflops.end(), 0.0);
}

}  // namespace pf::cli
