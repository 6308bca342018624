// team_run, team_wake_up, team_barrier: what it costs to start a team's job, and to wait in it.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/thread_team.hpp"

#include <chrono>
#include <thread>

#include "bench/engine/benchmarks.hpp"
#include "bench/engine/model_run.hpp"
#include "engine/run/cpu_budget.hpp"
#include "tools/cli/latency.hpp"

namespace pf::bench {
namespace {

constexpr std::size_t kBarriers = 100;  // in one job

void run_jobs(benchmark::State& state) {
    auto team = ThreadTeam::create(static_cast<std::size_t>(state.range(0)), kSpin);
    if (!team) return state.SkipWithError(team.error().message.c_str());
    for (auto _ : state) (*team)->try_run([](std::size_t) {});
}

// An empty job for workers that have gone to sleep.
void wake_up(benchmark::State& state) {
    constexpr std::chrono::milliseconds kIdle{1};
    auto team = ThreadTeam::create(static_cast<std::size_t>(state.range(0)), {});
    if (!team) return state.SkipWithError(team.error().message.c_str());
    for (auto _ : state) {
        std::this_thread::sleep_for(kIdle);
        const cli::Stopwatch watch;
        (*team)->try_run([](std::size_t) {});
        state.SetIterationTime(watch.elapsed_ms() * 1e-3);
    }
}

void run_barriers(benchmark::State& state) {
    auto team = ThreadTeam::create(static_cast<std::size_t>(state.range(0)), kSpin);
    if (!team) return state.SkipWithError(team.error().message.c_str());
    ThreadTeam& threads = **team;
    const cli::Stopwatch watch;
    for (auto _ : state) {
        threads.try_run([&](std::size_t) {
            for (std::size_t i = 0; i < kBarriers; ++i) threads.barrier();
        });
    }
    state.counters["ns_per_barrier"] =
        watch.elapsed_ms() * 1e6 / static_cast<double>(state.iterations() * kBarriers);
}

}  // namespace

std::vector<std::size_t> team_sizes() {
    std::vector<std::size_t> sizes;
    for (std::size_t threads = 1; threads < cpu_budget(); threads *= 2) sizes.push_back(threads);
    sizes.push_back(cpu_budget());
    return sizes;
}

void add_thread_team() {
    for (const std::size_t threads : team_sizes()) {
        if (threads == 1) continue;
        const auto count = static_cast<std::int64_t>(threads);
        benchmark::RegisterBenchmark("team_run", run_jobs)->Arg(count)->UseRealTime();
        benchmark::RegisterBenchmark("team_wake_up", wake_up)->Arg(count)->UseManualTime();
        benchmark::RegisterBenchmark("team_barrier", run_barriers)->Arg(count)->UseRealTime();
    }
}

}  // namespace pf::bench
