// Predictions: a network's logits as the likeliest classes with probabilities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pf::cli {

struct Prediction {
    std::size_t class_index = 0;
    double probability = 0;
};

// The `count` likeliest classes (all if there are fewer), best first, by softmax over all logits;
// equal ones in the order of their index. A NaN or +infinity among the logits
// makes every probability NaN.
std::vector<Prediction> top_predictions(std::span<const float> logits, std::size_t count);

}  // namespace pf::cli
