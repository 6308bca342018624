// Latency: percentiles by the nearest rank, so that each is a time that really occurred.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/latency.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/check.hpp"

namespace pf::cli {
namespace {

double percentile(const std::vector<double>& sorted, std::size_t percent) {
    const std::size_t rank = (sorted.size() * percent + 99) / 100;  // rounded up, from 1
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

Latency summarise(std::vector<double> samples_ms) {
    PF_DCHECK(!samples_ms.empty());
    std::sort(samples_ms.begin(), samples_ms.end());
    return {samples_ms.size(), samples_ms.front(), percentile(samples_ms, 50),
            percentile(samples_ms, 90), percentile(samples_ms, 99)};
}

double median(std::vector<double> samples) {
    return summarise(std::move(samples)).median_ms;
}

}  // namespace pf::cli
