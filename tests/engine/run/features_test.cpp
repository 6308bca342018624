// The features that a run gives are what the classifier's linear reads: W * features + b = logits.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kClasses = 5, kFeatures = 20, kSide = 32, kBatch = 2;

}  // namespace

TEST_CASE("session: the head's linear of the features gives the logits, in both orders") {
    for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        const LoadedModel loaded =
            tiny_model({.channels = {8, kFeatures}, .head_order = head_order});
        const Tensor& weight = loaded.weights.at("fc.weight");
        const Tensor& bias = loaded.weights.at("fc.bias");
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            CAPTURE(std::string(table->name));
            const auto session = make_session(compile_model(loaded, *table), kSide, kSide);
            const std::vector<float> images = hash_floats(kBatch * 3 * kSide * kSide, 83);
            std::vector<float> logits(kBatch * kClasses), features(kBatch * kFeatures);
            REQUIRE(session->run({.input = images.data(),
                                  .batch = kBatch,
                                  .logits = logits.data(),
                                  .features = features.data()}));
            for (std::size_t i = 0; i < logits.size(); ++i) {
                const std::size_t image = i / kClasses, row = i % kClasses;
                double sum = double{bias.value(row)}, norm = std::abs(sum);
                for (std::size_t c = 0; c < kFeatures; ++c) {
                    const double term = double{weight.value(row * kFeatures + c)} *
                                        double{features[image * kFeatures + c]};
                    sum += term;
                    norm += std::abs(term);
                }
                const Tolerance tolerance{kFeatures + 1};
                CHECK(tolerance.accepts(double{logits[i]}, sum, norm));
            }
        }
    }
}

}  // namespace pf::test
