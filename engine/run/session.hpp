// Session: runs a Model for one input size with one team of threads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/aligned_buffer.hpp"
#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "engine/run/session_plan.hpp"
#include "engine/run/thread_team.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {

struct SessionOptions {
    std::size_t input_height = 0;  // pixels; 0: the description's
    std::size_t input_width = 0;
    std::size_t num_threads = 1;  // the caller is one of them
    std::chrono::microseconds spin{0};
    std::shared_ptr<ThreadTeam> team =
        nullptr;  // instead of one of its own with the two settings above
    // The batch planned for. With as many images as threads, each thread has memory for a whole
    // image and runs it alone; any other batch runs too.
    std::size_t batch = 1;
};

// One caller at a time; a second one at the same time is told `busy`. Allocates everything when it
// is made. A caller that finds a shared team busy, or is a forked child, runs without it. The bits
// of a result depend on the model's kernels only: every step's work is cut into units that are the
// same for any number of threads.
class Session {
  public:
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                   const SessionOptions& options);

    // input: dense [batch, 3, height, width]; logits: dense [batch, classes]. Need no alignment.
    Status run(const float* input, std::size_t batch, float* logits);

    // One image; taps[i], if not null, receives the dense [channels, height, width] of block i.
    Status run_tapped(const float* input, float* logits, std::span<float* const> taps);

    const Model& model() const { return *model_; }
    const SessionPlan& plan() const { return plan_; }
    std::size_t num_threads() const { return team_->num_threads(); }
    std::size_t arena_bytes() const { return arena_.size_bytes(); }
    const MapPlan& tap_shape(std::size_t tap) const;

  private:
    struct Image;  // one image on its way through the steps
    struct Crew;   // the threads that work on one image
    class Worker;  // one thread's share of one image
    using Convolutions = std::vector<std::unique_ptr<kernels::Convolution>>;

    Session(std::shared_ptr<const Model> model, SessionPlan plan, std::shared_ptr<ThreadTeam> team);
    Status create_convolutions();
    // Adds oneDNN's primitive for the output channel blocks `blocks`; null if there are none.
    Status add_convolution(const Step& step, kernels::Range blocks, Convolutions& to);
    Status allocate(std::size_t batch);
    Image image_at(const float* input, float* logits, std::size_t index) const;
    void run_on_team(const float* input, std::size_t batch, float* logits, std::size_t thread);
    void run_alone(const Image& image, std::size_t thread);
    Status finish();

    std::shared_ptr<const Model> model_;
    SessionPlan plan_;
    std::shared_ptr<ThreadTeam> team_;
    // [maps and partials of an image] for each image at once, then [shifts, scratch] for each
    // thread.
    AlignedBuffer arena_;
    std::size_t images_at_once_ = 1;
    std::size_t thread_floats_ = 0;
    // oneDNN's, [step][thread]; none for other steps. The shares of a team's threads, null for
    // threads without one, and whole convolutions for threads that run an image alone.
    std::vector<Convolutions> shared_convolutions_;
    std::vector<Convolutions> whole_convolutions_;
    std::atomic<bool> running_{false};
    std::atomic<bool> failed_{false};
};

}  // namespace pf
