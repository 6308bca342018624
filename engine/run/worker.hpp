// Session::Worker: one thread at its tasks, for one image.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/run/session.hpp"
#include "engine/run/statistics.hpp"

namespace pf {

struct Session::Image {
    const RunRequest& request;
    std::size_t index = 0;  // in the batch
};

// All threads of the team, or one of them alone.
struct Session::Crew {
    std::size_t size = 1;
    std::size_t area = 0;  // which part of the arena holds the image's maps and partials
};

class alignas(64) Session::Worker {
  public:
    Worker(Session& session, const Image& image, const Crew& crew, std::size_t thread);

    // Runs this thread's share of every step. All threads of the crew call it at the same time.
    // False if the run was stopped; all of them come to the same answer.
    bool run();

  private:
    // Mean and 1/std of a map, as the kernels take them.
    struct Norm {
        float mean = 0;
        float rstd = 1;
    };

    void run_task(const OnednnTask& task);
    void run_task(const kernels::GemmConvolutionArgs& args);
    void run_task(const kernels::WinogradConvolutionArgs& args);
    void run_task(StatisticsTask& task);
    void run_task(PoolMixTask& task);
    void run_task(ChannelMlpTask& task);
    void run_task(HeadTask& task);

    // Writes what its norm says into the task's arguments.
    template <class Args>
    void complete(NormedTask<Args>& task);

    // The norm of a map whose partials are complete. Every thread adds them up itself, which is
    // quicker than waiting for one; all come to the same bits, so all agree on a second look.
    Norm finish_norm(const NormTask& norm);
    Moments measure_again(const NormTask& norm, float shift);

    void convert_image();
    // Copies what the request wants of the block that `step` ends, if it ends one, and waits until
    // all threads have: the next step writes over it.
    void copy_block(const Step& step) const;
    void copy_map(std::size_t map, float* to) const;
    void write_features(std::span<const float> features) const;
    void write_probabilities() const;
    // Where the image's logits go: to the caller, or to the arena if they are not wanted.
    float* logits() const;

    // Fetches the next step's arguments while this one runs; in vain if this one is a large MLP,
    // which drives them out again.
    void prefetch_next_task() const;

    // Whether to go on after the task at hand. Thread 0 asks the clock, before the barrier.
    bool goes_on() const;
    void check_stop() const;
    std::size_t position() const;
    bool is_first() const { return crew_.size == 1 || thread_ == 0; }

    void barrier() const;
    kernels::Range share(std::size_t total) const;

    // What every step needs, in one line of memory.
    Session& session_;
    const kernels::KernelTable& kernels_;
    const std::span<Task> tasks_;
    const Crew crew_;
    const std::size_t thread_;  // of the team
    std::size_t task_index_ = 0;

    const Image& image_;
    float* const maps_;    // the image's part of the arena
    const float* planes_;  // the image as the stem reads it
};

}  // namespace pf
