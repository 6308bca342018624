// The model that ships, or another one, run through the C interface.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/api_structs.hpp"

namespace pf::test {

inline constexpr const char* kShippedModel = PF_SOURCE_DIR "/models/poolformer_c10";

// A model, a session and its buffers.
class Runner {
  public:
    Runner(std::size_t num_threads, std::uint32_t spin_us,
           pf_input_format format = PF_INPUT_NCHW_F32, const char* model = kShippedModel) {
        pf_model* loaded = nullptr;
        REQUIRE(pf_model_load(model, nullptr, &loaded) == PF_OK);
        model_.reset(loaded);
        auto options = sized<pf_session_options>();
        options.num_threads = num_threads;
        options.spin_us = spin_us;
        options.input_format = format;
        pf_session* created = nullptr;
        REQUIRE(pf_session_create(loaded, &options, &created) == PF_OK);
        session_.reset(created);
        auto info = sized<pf_session_info>();
        REQUIRE(pf_session_get_info(created, &info) == PF_OK);
        arena_bytes_ = info.arena_bytes;
        input_.assign(3 * info.input_height * info.input_width, 0.25f);
        auto model_info = sized<pf_model_info>();
        REQUIRE(pf_model_get_info(loaded, &model_info) == PF_OK);
        weight_bytes_ = model_info.weight_bytes;
        logits_.resize(model_info.num_classes);
        probabilities_.resize(model_info.num_classes);
        features_.resize(model_info.num_features);
        for (std::size_t i = 0; i < model_info.num_stages; ++i) {
            auto shape = sized<pf_tap_info>();
            REQUIRE(pf_session_stage_info(created, i, &shape) == PF_OK);
            maps_.emplace_back(shape.channels * shape.height * shape.width);
            map_pointers_.push_back(maps_.back().data());
        }
        all_ = request_of(1, input_, logits_);
        if (format == PF_INPUT_NHWC_U8) all_.input_bytes = input_.size();
        want(all_, probabilities_, features_);
        all_.stage_maps = map_pointers_.data();
        all_.num_stages = map_pointers_.size();
        all_.timeout_us = 3'600'000'000;
    }
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    bool run(int times) {
        bool done = true;
        for (int i = 0; i < times; ++i) {
            done =
                done && pf_session_run(session_.get(), input_.data(), 1, logits_.data()) == PF_OK;
        }
        return done;
    }

    // With every output, in any format, and with an hour's timeout.
    bool run_with_all(int times) {
        bool done = true;
        for (int i = 0; i < times; ++i)
            done = done && pf_session_run_with(session_.get(), &all_) == PF_OK;
        return done;
    }

    std::size_t weight_bytes() const { return weight_bytes_; }
    std::size_t arena_bytes() const { return arena_bytes_; }

  private:
    ModelHandle model_;
    SessionHandle session_;
    std::size_t weight_bytes_ = 0;
    std::size_t arena_bytes_ = 0;
    std::vector<float> input_;
    std::vector<float> logits_, probabilities_, features_;
    std::vector<std::vector<float>> maps_;
    std::vector<float*> map_pointers_;
    pf_run all_{};
};

}  // namespace pf::test
