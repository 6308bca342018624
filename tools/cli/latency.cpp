// Latency: percentiles by the nearest rank, so that each is a time that really occurred.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/latency.hpp"

#include <algorithm>

#include "engine/base/check.hpp"

namespace pf::cli {
namespace {

// Where a percentile of so many sorted samples stands.
std::size_t percentile_index(std::size_t num_samples, std::size_t per_mille) {
    PF_DCHECK(num_samples > 0);
    const std::size_t rank = (num_samples * per_mille + 999) / 1000;  // rounded up, from 1
    return std::max<std::size_t>(rank, 1) - 1;
}

}  // namespace

double percentile(const std::vector<double>& sorted, std::size_t per_mille) {
    return sorted[percentile_index(sorted.size(), per_mille)];
}

Latency summarise(std::vector<double> samples_ms) {
    PF_DCHECK(!samples_ms.empty());
    std::sort(samples_ms.begin(), samples_ms.end());
    return {samples_ms.size(),           samples_ms.front(),          percentile(samples_ms, 500),
            percentile(samples_ms, 900), percentile(samples_ms, 990), percentile(samples_ms, 999)};
}

double median(std::vector<double> samples) {
    const auto middle =
        samples.begin() + static_cast<std::ptrdiff_t>(percentile_index(samples.size(), 500));
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

}  // namespace pf::cli
