// Task: what one thread does of one step, worked out when the session is made.
// SPDX-License-Identifier: Apache-2.0
//
// A large MLP leaves nothing else in the cache. With the kernels' arguments ready in a few lines of
// memory of their own, into which a run writes what only it knows, that is nearly all it has to
// fetch between two kernels.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "engine/compile/model.hpp"
#include "engine/run/session_plan.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {

// A norm whose statistics are complete when the step begins.
struct NormTask {
    std::size_t stats = 0;  // Model's number
    std::span<const kernels::Partial> partials = {};
    std::size_t num_values = 0;
    double eps = 0;
    const float* shift = nullptr;  // what the partials were counted around
};

// Reads the image.
struct OnednnTask {
    kernels::Convolution* convolution = nullptr;  // null: there is no share for this thread
    const float* weights = nullptr;
    const float* bias = nullptr;
    float* dst = nullptr;
    std::byte* scratch = nullptr;
};

// The arguments lack what only a run knows: the norm's numbers. `shift` is where the thread notes
// what it counts the output's partials around.
struct StatisticsTask {
    kernels::MapStatisticsArgs args;
    float* shift = nullptr;
};

// A step between a norm and the statistics of its output.
template <class Args>
struct NormedTask {
    NormTask norm;
    Args args;
    float* shift = nullptr;  // null without partials
};
using PoolMixTask = NormedTask<kernels::PoolMixArgs>;
using ChannelMlpTask = NormedTask<kernels::ChannelMlpArgs>;

// Where the logits go, only a run knows.
struct HeadTask {
    HeadOrder order = HeadOrder::norm_pool;
    NormTask norm;  // for pool_norm only its eps
    kernels::ChannelMeansArgs means;
    const float* norm_weight = nullptr;
    const float* norm_bias = nullptr;
    kernels::LinearArgs linear;
};

struct alignas(64) Task {
    std::variant<OnednnTask, kernels::GemmConvolutionArgs, kernels::WinogradConvolutionArgs,
                 StatisticsTask, PoolMixTask, ChannelMlpTask, HeadTask>
        op;
};

// oneDNN's convolution of the image, one for each thread; null for threads without a share.
using Convolutions = std::vector<std::unique_ptr<kernels::Convolution>>;

// One thread of a team and its memory.
struct Place {
    std::size_t num_threads = 1;  // that work on the image together
    std::size_t thread = 0;       // of the team
    float* maps = nullptr;        // the image's part of the arena
    float* shifts = nullptr;      // [num_stats], the thread's own
    float* scratch = nullptr;     // the thread's own
};

// One task for each of the model's steps.
std::vector<Task> make_tasks(const Model& model, const SessionPlan& plan,
                             const Convolutions& convolutions, const Place& place);

}  // namespace pf
