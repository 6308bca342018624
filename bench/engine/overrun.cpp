// overrun: how long after its timeout a run comes back.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "engine/run/session.hpp"

namespace pf::bench {
namespace {

using Microseconds = std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

Microseconds time_of(Session& session, const RunRequest& request) {
    const Clock::time_point start = Clock::now();
    const bool is_done = static_cast<bool>(session.run(request));
    benchmark::DoNotOptimize(is_done);
    return std::chrono::duration_cast<Microseconds>(Clock::now() - start);
}

// One thread; timeouts spread evenly over a run, over and over. Interrupts count.
void measure_overrun(benchmark::State& state, const std::shared_ptr<const Model>& model) {
    const auto session = Session::create(model, {});
    if (!session) return state.SkipWithError(session.error().message.c_str());
    const SessionPlan& plan = (*session)->plan();
    const AlignedBuffer image = random_floats(3 * plan.input_height * plan.input_width);
    std::vector<float> logits(model->description.head.classes);
    RunRequest request{.input = image.data(), .logits = logits.data()};
    time_of(**session, request);
    const Microseconds whole = time_of(**session, request);
    constexpr int kTimeouts = 101;
    std::vector<double> overruns;
    int number = 0;
    for (auto _ : state) {
        number = number % kTimeouts + 1;
        request.timeout = std::max(Microseconds(1), whole * number / (kTimeouts + 1));
        const Microseconds late = time_of(**session, request) - request.timeout;
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
