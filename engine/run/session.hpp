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
#include "engine/run/task.hpp"
#include "engine/run/thread_team.hpp"

namespace pf {

struct SessionOptions {
    std::size_t input_height = 0;  // pixels; 0: the description's
    std::size_t input_width = 0;
    std::size_t num_threads = 1;  // the caller is one of them
    std::chrono::microseconds spin{0};
    // Instead of a team of its own with the two settings above and `cpus`.
    std::shared_ptr<ThreadTeam> team = nullptr;
    // The batch planned for. With as many images as threads, each thread has memory for a whole
    // image and runs it alone; any other batch runs too.
    std::size_t batch = 1;
    InputFormat input_format = InputFormat::nchw_f32;
    std::vector<int> cpus = {};  // of a team of its own: ThreadTeam::create
    Allocator allocator = {};    // for the arena
};

// What one run reads and writes. Outputs that are null are not wanted; none needs any alignment.
struct RunRequest {
    const void* input = nullptr;  // [batch] images in the session's format
    std::size_t batch = 1;
    float* logits = nullptr;               // [batch, classes]
    float* probabilities = nullptr;        // [batch, classes]
    float* features = nullptr;             // [batch, channels of the last stage]
    std::span<float* const> stage_maps{};  // none, or one a stage: [batch, channels, height, width]
    std::span<float* const> taps{};        // none, or one a block, likewise
    std::chrono::microseconds timeout{0};  // 0: none
};

// One caller at a time; a second one at the same time is told `busy`. Allocates everything when it
// is made. A caller that finds a shared team busy, or is a forked child, runs without it. The bits
// of a result depend on the model's kernels only: every step's work is cut into units that are the
// same for any number of threads.
class Session {
  public:
    static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model,
                                                   const SessionOptions& options);

    // Fails with `busy`, and with `cancelled`, `deadline_exceeded`, `out_of_memory` (oneDNN's) or
    // `internal` (oneDNN's others), which leave outputs unfinished. The code says it all: there are
    // no words, which would have to be allocated.
    Status run(const RunRequest& request);

    Status run(const float* input, std::size_t batch, float* logits) {
        return run({.input = input, .batch = batch, .logits = logits});
    }

    // Makes the run that is going on, if one is, stop after the step it is at. Any thread, and
    // signal handlers too.
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

    const Model& model() const { return *model_; }
    const SessionPlan& plan() const { return plan_; }
    std::size_t num_threads() const { return team_->num_threads(); }
    std::size_t arena_bytes() const { return arena_.size_bytes(); }
    InputFormat input_format() const { return input_format_; }
    const MapPlan& tap_shape(std::size_t tap) const;

  private:
    struct Image;  // one image of a run
    struct Crew;   // the threads that work on one image
    class Worker;  // one thread's share of one image
    using Clock = std::chrono::steady_clock;

    Session(std::shared_ptr<const Model> model, SessionPlan plan, std::shared_ptr<ThreadTeam> team);
    Status create_convolutions();
    // Adds oneDNN's primitive for the output channel blocks `blocks`; null if there are none.
    Status add_convolution(const Step& step, kernels::Range blocks, Convolutions& to);
    Status allocate(const SessionOptions& options);
    void make_tasks();
    // The parts of the arena.
    float* maps_of(std::size_t area);
    float* thread_floats_of(std::size_t thread);
    void start(const RunRequest& request);
    void run_on_team(const RunRequest& request, std::size_t thread);
    // False if the run is to stop.
    bool run_alone(const Image& image, std::size_t thread);
    bool must_stop() const {
        return cancelled_.load(std::memory_order_relaxed) ||
               (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_);
    }
    Status finish();

    std::shared_ptr<const Model> model_;
    SessionPlan plan_;
    std::shared_ptr<ThreadTeam> team_;
    // [maps and partials of an image] for each image at once, then [shifts, scratch] for each
    // thread.
    AlignedBuffer arena_;
    std::size_t images_at_once_ = 1;
    std::size_t thread_floats_ = 0;
    // For shares of an image, and for images that a thread runs alone.
    Convolutions shared_convolutions_;
    Convolutions whole_convolutions_;
    std::vector<std::vector<Task>> shared_tasks_;  // [thread][step]; none if there is one thread
    std::vector<std::vector<Task>> whole_tasks_;   // for each image at once
    InputFormat input_format_ = InputFormat::nchw_f32;
    Levels levels_{};  // for bytes

    // Of the run that is going on, in a line of their own: tasks end with a look at them.
    alignas(64) std::atomic<bool> running_{false};
    std::atomic<kernels::Execution> failure_{kernels::Execution::done};  // of a convolution
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> stopped_{false};  // before its end
    Clock::time_point deadline_{};
    // Where a team that shares an image stops; thread 0 decides.
    std::atomic<std::size_t> stop_position_{0};
};

}  // namespace pf
