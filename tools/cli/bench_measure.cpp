// How `poolformer bench` measures: warm-up, then rounds between probes of the peak.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/run/cpu_budget.hpp"
#include "kernels/dispatch.hpp"
#include "tools/cli/bench.hpp"
#include "tools/cli/peak_probe.hpp"

namespace pf::cli {
namespace {

constexpr std::size_t kWarmUpRuns = 3;
constexpr std::size_t kMinRounds = 3;
constexpr double kRoundMs = 100;  // between two probes, so that both see the same clock

struct Workload {
    pf_session* session;
    std::size_t batch;
    std::vector<float> input;
    std::vector<float> logits;

    Workload(const Runner& runner, std::size_t images)
        : session(runner.session.get()),
          batch(images),
          input(images * runner.input_floats()),
          logits(images * runner.model_info.num_classes) {
        // Any numbers of an image's size will do: the time does not depend on them.
        for (std::size_t i = 0; i < input.size(); ++i) {
            input[i] = static_cast<float>(i * 7919 % 4096) / 1024.0f - 2.0f;
        }
    }

    pf_status run() { return pf_session_run(session, input.data(), batch, logits.data()); }
};

// Runs for about kRoundMs, once at least. The run right behind the probe, which has left the
// threads asleep and other code in the caches, does not count.
pf_status run_round(Workload& workload, std::vector<double>& samples_ms) {
    if (const pf_status status = workload.run(); status != PF_OK) return status;
    const Stopwatch round;
    do {
        const Stopwatch watch;
        if (const pf_status status = workload.run(); status != PF_OK) return status;
        samples_ms.push_back(watch.elapsed_ms());
    } while (round.elapsed_ms() < kRoundMs);
    return PF_OK;
}

// Of one field over all rounds.
double median_of(const std::vector<BenchRound>& rounds, double BenchRound::*field) {
    std::vector<double> values;
    for (const BenchRound& round : rounds) values.push_back(round.*field);
    return median(std::move(values));
}

}  // namespace

Result<BenchResult> measure(const Runner& runner, const BenchOptions& options) {
    Workload workload(runner, options.runner.batch);
    for (std::size_t i = 0; i < kWarmUpRuns; ++i) {
        if (const pf_status status = workload.run(); status != PF_OK) return last_error(status);
    }

    const PeakProbe probe(*kernels::find_table(runner.model_info.isa),
                          std::min(runner.session_info.num_threads, cpu_budget()));
    const double gflop = 2e-9 * static_cast<double>(runner.session_info.macs) *
                         static_cast<double>(options.runner.batch);
    const auto gflops = [&](double ms) { return gflop / (ms * 1e-3); };

    std::vector<double> samples_ms;
    std::vector<BenchRound> rounds;
    const Stopwatch total;
    double peak_before = probe.measure();
    while (rounds.size() < kMinRounds || total.elapsed_ms() < options.seconds * 1000) {
        std::vector<double> round_ms;
        const pf_status status = run_round(workload, round_ms);
        if (status != PF_OK) return last_error(status);
        const double peak_after = probe.measure();
        const double ms = median(round_ms), peak = std::max(peak_before, peak_after);
        rounds.push_back({ms, peak, 100 * gflops(ms) / peak});
        samples_ms.insert(samples_ms.end(), round_ms.begin(), round_ms.end());
        peak_before = peak_after;
    }
    const Latency latency = summarise(std::move(samples_ms));
    return BenchResult{latency, gflops(latency.median_ms),
                       median_of(rounds, &BenchRound::peak_gflops),
                       median_of(rounds, &BenchRound::percent_of_peak), rounds};
}

}  // namespace pf::cli
