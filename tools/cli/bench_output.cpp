// How `poolformer bench` writes its result.
// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "tools/cli/bench.hpp"
#include "tools/cli/environment.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

using Json = nlohmann::ordered_json;

double images_per_second(const BenchOptions& options, const BenchResult& result) {
    return static_cast<double>(options.runner.batch) * 1000 / result.latency.median_ms;
}

std::string reliability_note(const Latency& latency, std::size_t enough) {
    if (latency.num_samples >= enough) return "";
    return format(" (not reliable: %zu runs, at least %zu are needed; use --seconds)",
                  latency.num_samples, enough);
}

Json rounds_json(const std::vector<BenchRound>& rounds) {
    Json json = Json::array();
    for (const BenchRound& round : rounds) {
        json.push_back({{"median_ms", round.median_ms},
                        {"percent_of_peak", round.percent_of_peak},
                        {"peak_gflops", round.peak_gflops}});
    }
    return json;
}

Json environment_json(const Runner& runner) {
    const Environment environment = describe_environment();
    return {{"cpu", environment.cpu},
            {"isa", runner.model_info.isa},
            {"threads", runner.session_info.num_threads},
            {"cpus", environment.num_cpus},
            {"cpu_budget", environment.cpu_budget},
            {"system", environment.system},
            {"compiler", environment.compiler},
            {"version", environment.version}};
}

}  // namespace

std::string to_text(const Runner& runner, const BenchOptions& options, const BenchResult& result) {
    const pf_session_info& session = runner.session_info;
    const Latency& latency = result.latency;
    std::string text;
    text += format("%s at %zux%zu, batch %zu, %zu thread%s, %s\n", runner.model_info.name,
                   session.input_height, session.input_width, options.runner.batch,
                   session.num_threads, session.num_threads == 1 ? "" : "s", runner.model_info.isa);
    text += format("median   %10.3f ms   of %s runs\n", latency.median_ms,
                   with_commas(latency.num_samples).c_str());
    text += format("p90      %10.3f ms\n", latency.p90_ms);
    text += format("p99      %10.3f ms%s\n", latency.p99_ms,
                   reliability_note(latency, kEnoughForP99).c_str());
    text += format("p99.9    %10.3f ms%s\n", latency.p999_ms,
                   reliability_note(latency, kEnoughForP999).c_str());
    text += format("min      %10.3f ms\n", latency.min_ms);
    text += format("images   %10.1f /s\n", images_per_second(options, result));
    text += format("speed    %10.2f GFLOP/s, %.1f %% of the FMA peak measured in between\n",
                   result.gflops, result.percent_of_peak);
    text += format("peak     %10.2f GFLOP/s (%s)\n", result.peak_gflops,
                   describe_environment().cpu.c_str());
    return text;
}

std::string to_json(const Runner& runner, const BenchOptions& options, const BenchResult& result) {
    const pf_session_info& session = runner.session_info;
    const Latency& latency = result.latency;
    const Json json = {{"model", runner.model_info.name},
                       {"input_height", session.input_height},
                       {"input_width", session.input_width},
                       {"batch", options.runner.batch},
                       {"macs_per_image", session.macs},
                       {"runs", latency.num_samples},
                       {"median_ms", latency.median_ms},
                       {"p90_ms", latency.p90_ms},
                       {"p99_ms", latency.p99_ms},
                       {"p99_is_reliable", latency.num_samples >= kEnoughForP99},
                       {"p999_ms", latency.p999_ms},
                       {"p999_is_reliable", latency.num_samples >= kEnoughForP999},
                       {"min_ms", latency.min_ms},
                       {"images_per_second", images_per_second(options, result)},
                       {"gflops", result.gflops},
                       {"fma_peak_gflops", result.peak_gflops},
                       {"percent_of_peak", result.percent_of_peak},
                       {"environment", environment_json(runner)},
                       {"rounds", rounds_json(result.rounds)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace pf::cli
