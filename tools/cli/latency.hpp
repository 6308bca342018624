// Latency: a clock and the summary of many timed runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace pf::cli {

// Below this many runs the 99th percentile rests on fewer than ten of them.
constexpr std::size_t kEnoughForP99 = 1000;

// Milliseconds; percentiles are the smallest sample that at least that share of all do not exceed.
struct Latency {
    std::size_t num_samples = 0;
    double min_ms = 0;
    double median_ms = 0;
    double p90_ms = 0;
    double p99_ms = 0;
};

// samples_ms must not be empty.
Latency summarise(std::vector<double> samples_ms);
double median(std::vector<double> samples);

class Stopwatch {
  public:
    double elapsed_ms() const {
        return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
    }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
};

}  // namespace pf::cli
