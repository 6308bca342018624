// Runs through the C interface in tests: of a batch on the small model, with room for all outputs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <vector>

#include "tests/support/api_handles.hpp"

namespace pf::test {

inline constexpr std::size_t kBatch = 3;
inline constexpr std::size_t kPixels = kSide * kSide;
inline constexpr std::size_t kFeatures = 16;  // tiny_description's last stage

inline SessionHandle open_with(const pf_model* model, pf_input_format format,
                               std::size_t threads = 1, std::size_t batch = 1) {
    auto options = session_options(0, 0, threads);
    options.input_format = format;
    options.batch = batch;
    return open(model, &options);
}

// A run of `input`, which must outlive it, with room for all outputs.
struct Run {
    std::vector<float> logits = std::vector<float>(kBatch * kClasses);
    std::vector<float> probabilities = std::vector<float>(kBatch * kClasses);
    std::vector<float> features = std::vector<float>(kBatch * kFeatures);
    pf_run request;

    template <class Value>
    explicit Run(const std::vector<Value>& input) : request(request_of(kBatch, input, logits)) {
        want(request, probabilities, features);
    }
};

inline std::vector<float> plain_logits(const pf_model* model, const std::vector<float>& images) {
    std::vector<float> logits(kBatch * kClasses);
    const SessionHandle session = open(model);
    REQUIRE(pf_session_run(session.get(), images.data(), kBatch, logits.data()) == PF_OK);
    return logits;
}

}  // namespace pf::test
