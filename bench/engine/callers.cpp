// callers: images a second when several threads of a service run a model at the same time.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "bench/engine/benchmarks.hpp"
#include "bench/engine/model_run.hpp"
#include "engine/run/cpu_budget.hpp"

namespace pf::bench {
namespace {

// Called by every caller's thread; each has a session of its own.
void run_images(benchmark::State& state, const std::shared_ptr<const Model>& model,
                const SessionOptions& options) {
    ModelRun model_run(state, model, options);
    for (auto _ : state) {
        if (!model_run.run()) return state.SkipWithError("a run failed");
    }
    state.counters["images"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

void add_callers(const kernels::KernelTable& table, const std::shared_ptr<const Model>& model) {
    const std::size_t cpus = cpu_budget();
    const auto add = [&](const char* way, std::size_t num_callers, const SessionOptions& options) {
        const std::string name =
            std::string("callers/") + table.name + "/" + model->description.name + "/" + way;
        benchmark::RegisterBenchmark(
            name.c_str(),
            [model, options](benchmark::State& state) { run_images(state, model, options); })
            ->Threads(static_cast<int>(num_callers))
            ->UseRealTime();
    };
    add("one_thread_each", 1, {});
    if (cpus == 1) return;
    add("one_thread_each", cpus, {});
    add("a_team_each", cpus, {.num_threads = cpus});
    if (auto team = ThreadTeam::create(cpus, SessionOptions().spin)) {
        add("one_team", cpus, {.team = std::move(*team)});
    }
}

}  // namespace pf::bench
