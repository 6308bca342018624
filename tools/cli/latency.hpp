// Latency: a clock and the summary of many timed runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace pf::cli {

// Below this many runs fewer than ten lie beyond the percentile.
constexpr std::size_t kEnoughForP99 = 1000;
constexpr std::size_t kEnoughForP999 = 10000;

// Milliseconds; percentiles are the smallest sample that at least that share of all do not exceed.
struct Latency {
    std::size_t num_samples = 0;
    double min_ms = 0;
    double median_ms = 0;
    double p90_ms = 0;
    double p99_ms = 0;
    double p999_ms = 0;
};

// None of these takes an empty list. `sorted` rises; 500 per mille is the median.
Latency summarise(std::vector<double> samples_ms);
double percentile(const std::vector<double>& sorted, std::size_t per_mille);
double median(std::vector<double> samples);  // in linear time

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
