// Predictions: the likeliest classes with their probabilities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pf::cli {

struct Prediction {
    std::size_t class_index = 0;
    float probability = 0;
};

// The `count` likeliest classes (all if there are fewer), best first; equal ones in the order of
// their index. All probabilities are NaN if one is, as softmax has it.
std::vector<Prediction> top_predictions(std::span<const float> probabilities, std::size_t count);

}  // namespace pf::cli
