// The parts of `poolformer bench`: what is measured, and how it is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "tools/cli/latency.hpp"
#include "tools/cli/runner.hpp"

namespace pf::cli {

struct BenchOptions {
    RunnerOptions runner;
    double seconds = 5;
    std::string json_file;  // "" for none, "-" for standard output
};

// Runs between two probes of the peak.
struct BenchRound {
    double median_ms = 0;
    double peak_gflops = 0;  // the larger of the two probes
    double percent_of_peak = 0;
};

struct BenchResult {
    Latency latency;             // of a whole batch
    double gflops = 0;           // 2 * MACs of convolutions and linears / median
    double peak_gflops = 0;      // median over the rounds
    double percent_of_peak = 0;  // median over the rounds
    std::vector<BenchRound> rounds;
};

// Alternates rounds of runs with probes of the peak, until the time is over.
Result<BenchResult> measure(const Runner& runner, const BenchOptions& options);

// Text for people.
std::string to_text(const Runner& runner, const BenchOptions& options, const BenchResult& result);

// One JSON object: the result and a fingerprint of where it was measured.
std::string to_json(const Runner& runner, const BenchOptions& options, const BenchResult& result);

}  // namespace pf::cli
