// ModelRun: a session of a model, an image for it, and room for the logits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "bench/kernels/buffers.hpp"
#include "engine/run/session.hpp"

namespace pf::bench {

// How long idle workers spin: as in the command line and in bench/suite.
inline constexpr std::chrono::microseconds kSpin{200};

class ModelRun {
  public:
    // If there is no session to be had, `state` is told why, and run() fails.
    ModelRun(benchmark::State& state, const std::shared_ptr<const Model>& model,
             const SessionOptions& options) {
        auto session = Session::create(model, options);
        if (!session) {
            state.SkipWithError(session.error().message.c_str());
            return;
        }
        session_ = std::move(*session);
        const SessionPlan& plan = session_->plan();
        image_ = random_floats(3 * plan.input_height * plan.input_width);
        logits_.resize(model->description.head.classes);
    }

    bool run(std::chrono::microseconds timeout = {}) {
        if (session_ == nullptr) return false;
        return static_cast<bool>(
            session_->run({.input = image_.data(), .logits = logits_.data(), .timeout = timeout}));
    }

    std::size_t macs() const { return session_ == nullptr ? 0 : session_->plan().macs; }

  private:
    std::unique_ptr<Session> session_;
    AlignedBuffer image_;
    std::vector<float> logits_;
};

}  // namespace pf::bench
