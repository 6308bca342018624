// Session::Worker: what one thread does of each step.
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

class Session::Worker {
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

    void run_step(const Step& step, const ConvolutionStep& op);
    void run_onednn(const Step& step, const ConvolutionStep& op);
    void run_gemm(const Step& step, const ConvolutionStep& op);
    void run_step(const Step& step, const StatisticsStep& op);
    void run_step(const Step& step, const PoolMixStep& op);
    void run_step(const Step& step, const ChannelMlpStep& op);
    void run_step(const Step& step, const HeadStep& op);

    // The norm of a map whose partials are complete. Every thread adds them up itself, which is
    // quicker than waiting for one; all come to the same bits, so all agree on a second look.
    Norm finish_norm(std::size_t stats, double eps);
    Moments measure_again(std::size_t stats, float shift);
    void write_statistics(std::size_t stats, float shift);

    void convert_image();
    // Copies what the request wants of a block's output.
    void copy_block(const Step& step) const;
    void copy_map(std::size_t map, float* to) const;
    void write_logits() const;

    // Whether to go on after the step at hand. Thread 0 asks the clock, before the barrier.
    bool goes_on() const;
    void check_stop() const;
    std::size_t position() const;
    bool is_first() const { return crew_.size == 1 || thread_ == 0; }

    void barrier() const;
    kernels::Range share(std::size_t total) const;
    std::size_t num_blocks(std::size_t channels) const;
    float* map_data(std::size_t map) const;
    kernels::Partial* partials(std::size_t stats) const;
    // Where the step writes its output's statistics, noting the shift it uses; null if nowhere.
    kernels::Partial* output_partials(const Step& step, float shift);
    float& shift_of(std::size_t stats) const { return thread_area_[stats]; }
    float* scratch() const;

    Session& session_;
    const Model& model_;
    const kernels::KernelTable& kernels_;
    const Image& image_;
    Crew crew_;
    std::size_t thread_;   // of the team
    float* maps_;          // the image's part of the arena
    const float* planes_;  // the image as the stem reads it
    float* thread_area_;   // [shift of each statistics][scratch]
    std::size_t step_index_ = 0;
};

}  // namespace pf
