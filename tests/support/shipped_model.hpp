// The model that ships, run through the C interface.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pf::test {

inline constexpr const char* kShippedModel = PF_SOURCE_DIR "/models/poolformer_c10";

// The shipped model, a session and its buffers.
class Runner {
  public:
    Runner(std::size_t num_threads, std::uint32_t spin_us) {
        REQUIRE(pf_model_load(kShippedModel, nullptr, &model_) == PF_OK);
        pf_session_options options{};
        options.struct_size = sizeof options;
        options.num_threads = num_threads;
        options.spin_us = spin_us;
        REQUIRE(pf_session_create(model_, &options, &session_) == PF_OK);
        pf_session_info info{};
        info.struct_size = sizeof info;
        REQUIRE(pf_session_get_info(session_, &info) == PF_OK);
        arena_bytes_ = info.arena_bytes;
        input_.assign(3 * info.input_height * info.input_width, 0.25f);
        pf_model_info model_info{};
        model_info.struct_size = sizeof model_info;
        REQUIRE(pf_model_get_info(model_, &model_info) == PF_OK);
        weight_bytes_ = model_info.weight_bytes;
        logits_.resize(model_info.num_classes);
    }
    ~Runner() {
        pf_session_destroy(session_);
        pf_model_destroy(model_);
    }
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    bool run(int times) {
        bool done = true;
        for (int i = 0; i < times; ++i) {
            done = done && pf_session_run(session_, input_.data(), 1, logits_.data()) == PF_OK;
        }
        return done;
    }

    std::size_t weight_bytes() const { return weight_bytes_; }
    std::size_t arena_bytes() const { return arena_bytes_; }

  private:
    pf_model* model_ = nullptr;
    pf_session* session_ = nullptr;
    std::size_t weight_bytes_ = 0;
    std::size_t arena_bytes_ = 0;
    std::vector<float> input_;
    std::vector<float> logits_;
};

}  // namespace pf::test
