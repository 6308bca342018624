// Predictions: softmax in double, then a partial sort.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/predictions.hpp"

#include <algorithm>
#include <cmath>

namespace pf::cli {
namespace {

bool is_better(const Prediction& a, const Prediction& b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : a.class_index < b.class_index;
}

}  // namespace

std::vector<Prediction> top_predictions(std::span<const float> logits, std::size_t count) {
    if (logits.empty()) return {};
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    std::vector<Prediction> predictions;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        predictions.push_back({i, std::exp(logits[i] - largest)});
        sum += predictions.back().probability;
    }
    for (Prediction& prediction : predictions) prediction.probability /= sum;

    count = std::min(count, predictions.size());
    const auto middle = predictions.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(predictions.begin(), middle, predictions.end(), is_better);
    predictions.resize(count);
    return predictions;
}

}  // namespace pf::cli
