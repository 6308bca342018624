// overrun: how long after its timeout a run comes back.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/engine/model_run.hpp"
#include "bench/kernels/measure.hpp"

namespace pf::bench {
namespace {

using Microseconds = std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

Microseconds time_of(ModelRun& model_run, Microseconds timeout) {
    const Clock::time_point start = Clock::now();
    const bool is_done = model_run.run(timeout);
    benchmark::DoNotOptimize(is_done);
    return std::chrono::duration_cast<Microseconds>(Clock::now() - start);
}

// One thread; timeouts spread evenly over a run, over and over. Interrupts count.
void measure_overrun(benchmark::State& state, const std::shared_ptr<const Model>& model) {
    ModelRun model_run(state, model, {});
    if (!model_run.run()) return state.SkipWithError("a run failed");
    const Microseconds whole = time_of(model_run, {});
    constexpr int kTimeouts = 101;
    std::vector<double> overruns;
    int number = 0;
    for (auto _ : state) {
        number = number % kTimeouts + 1;
        const auto timeout = std::max(Microseconds(1), whole * number / (kTimeouts + 1));
        const Microseconds late = time_of(model_run, timeout) - timeout;
        overruns.push_back(static_cast<double>(late.count()));
    }
    std::sort(overruns.begin(), overruns.end());
    state.counters["median_us"] = overruns[overruns.size() / 2];
    state.counters["worst_us"] = overruns.back();
    state.counters["worst_percent"] = 100 * overruns.back() / static_cast<double>(whole.count());
}

}  // namespace

void add_overrun(const kernels::KernelTable& table, const std::shared_ptr<const Model>& model) {
    add_benchmark("overrun", table, model->description.name,
                  [model](benchmark::State& state) { measure_overrun(state, model); });
}

}  // namespace pf::bench
