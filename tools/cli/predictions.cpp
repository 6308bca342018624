// Predictions: a partial sort.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/predictions.hpp"

#include <algorithm>

namespace pf::cli {
namespace {

bool is_better(const Prediction& a, const Prediction& b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : a.class_index < b.class_index;
}

}  // namespace

std::vector<Prediction> top_predictions(std::span<const float> probabilities, std::size_t count) {
    std::vector<Prediction> predictions;
    for (const float probability : probabilities) {
        predictions.push_back({predictions.size(), probability});
    }
    count = std::min(count, predictions.size());
    const auto middle = predictions.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(predictions.begin(), middle, predictions.end(), is_better);
    predictions.resize(count);
    return predictions;
}

}  // namespace pf::cli
