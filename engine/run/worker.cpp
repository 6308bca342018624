// Session::Worker: one thread at its tasks, for one image.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/worker.hpp"

#include <array>
#include <numeric>

namespace pf {

using kernels::Range;

namespace {

// The mean of the map's first pixel: close enough to the map's, and read in a moment. Channels that
// pad the last block are zero.
float mean_of_first_pixel(const kernels::MapStatisticsArgs& map, std::size_t block) {
    constexpr std::size_t kLanes = 8;  // blocks are of 8 or 16
    std::array<double, kLanes> sums{};
    const float* pixel = map.src;
    for (std::size_t c = 0; c < map.channels; c += block, pixel += map.height * map.width * block) {
        for (std::size_t first = 0; first < block; first += kLanes) {
            for (std::size_t i = 0; i < kLanes; ++i) sums[i] += pixel[first + i];
        }
    }
    const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
    return static_cast<float>(sum / static_cast<double>(map.channels));
}

// The head's norm, in place.
void normalise(std::span<float> values, double mean, double rstd, const float* weight,
               const float* bias) {
    for (std::size_t c = 0; c < values.size(); ++c) {
        values[c] = static_cast<float>((values[c] - mean) * rstd * weight[c] + bias[c]);
    }
}

}  // namespace

Session::Worker::Worker(Session& session, const Image& image, const Crew& crew, std::size_t thread)
    : session_(session),
      kernels_(*session.model_->kernels),
      tasks_(crew.size == 1 ? session.whole_tasks_[thread] : session.shared_tasks_[thread]),
      crew_(crew),
      thread_(thread),
      image_(image),
      maps_(session.maps_of(crew.area)) {}

bool Session::Worker::run() {
    const bool wants_blocks = !image_.request.taps.empty() || !image_.request.stage_maps.empty();
    convert_image();
    for (task_index_ = 0; task_index_ < tasks_.size(); ++task_index_) {
        prefetch_next_task();
        std::visit([&](auto& task) { run_task(task); }, tasks_[task_index_].op);
        if (is_first()) check_stop();
        barrier();
        if (!goes_on()) return false;
        if (wants_blocks) copy_block(session_.model_->steps[task_index_]);
    }
    if (is_first() && image_.request.probabilities != nullptr) write_probabilities();
    return true;
}

void Session::Worker::prefetch_next_task() const {
    if (task_index_ + 1 == tasks_.size()) return;
    const auto* line = reinterpret_cast<const std::byte*>(&tasks_[task_index_ + 1]);
    for (std::size_t i = 0; i < sizeof(Task); i += alignof(Task)) __builtin_prefetch(line + i);
}

// Positions grow from step to step and image to image, so that a thread that is late compares its
// own position with one that is ahead, and goes on to the barrier where the others wait.
void Session::Worker::check_stop() const {
    if (!session_.must_stop()) return;
    session_.stopped_.store(true, std::memory_order_relaxed);
    if (crew_.size > 1) session_.stop_position_.store(position(), std::memory_order_relaxed);
}

bool Session::Worker::goes_on() const {
    if (crew_.size == 1) return !session_.stopped_.load(std::memory_order_relaxed);
    return session_.stop_position_.load(std::memory_order_relaxed) > position();
}

std::size_t Session::Worker::position() const {
    return image_.index * tasks_.size() + task_index_;
}

void Session::Worker::run_task(const OnednnTask& task) {
    if (task.convolution == nullptr) return;
    const kernels::Execution execution =
        task.convolution->execute(planes_, task.weights, task.bias, task.dst, task.scratch);
    if (execution != kernels::Execution::done) {
        session_.failure_.store(execution, std::memory_order_relaxed);
    }
}

void Session::Worker::run_task(const kernels::GemmConvolutionArgs& args) {
    kernels_.gemm_convolution(args);
}

void Session::Worker::run_task(const kernels::WinogradConvolutionArgs& args) {
    kernels_.winograd_convolution(args);
}

void Session::Worker::run_task(StatisticsTask& task) {
    task.args.shift = mean_of_first_pixel(task.args, kernels_.block);
    *task.shift = task.args.shift;
    kernels_.map_statistics(task.args);
}

template <class Args>
void Session::Worker::complete(NormedTask<Args>& task) {
    const Norm norm = finish_norm(task.norm);
    task.args.rstd = norm.rstd;
    task.args.shift = norm.mean;
    if (task.shift != nullptr) *task.shift = norm.mean;
}

void Session::Worker::run_task(PoolMixTask& task) {
    complete(task);
    kernels_.pool_mix(task.args);
}

void Session::Worker::run_task(ChannelMlpTask& task) {
    complete(task);
    task.args.mean = task.args.shift;
    if (crew_.size == 1 || !task.args.by_channels) {
        kernels_.channel_mlp(task.args);
        return;
    }
    kernels_.mlp_hidden(task.args);
    barrier();
    kernels_.mlp_outputs(task.args);
}

void Session::Worker::run_task(HeadTask& task) {
    const bool norm_first = task.order == HeadOrder::norm_pool;
    const Norm norm = norm_first ? finish_norm(task.norm) : Norm{.mean = task.means.src[0]};
    // The means are taken of (value - shift): a large common offset would cost digits. Every thread
    // takes all of them: the map is small, and to share it out would need one more barrier.
    task.means.shift = norm.mean;
    const kernels::PartialSums sums = kernels_.channel_means(task.means);
    const std::span<float> features(task.means.dst, task.means.channels);
    double mean = 0;
    double rstd = norm.rstd;
    if (!norm_first) {
        const Moments moments = moments_of(sums, features.size());  // in double: any shift will do
        mean = moments.mean;
        rstd = reciprocal_std(moments, task.norm.eps);
    }
    normalise(features, mean, rstd, task.norm_weight, task.norm_bias);
    if (is_first()) write_features(features);
    task.linear.dst = logits();
    kernels_.linear(task.linear);
}

Session::Worker::Norm Session::Worker::finish_norm(const NormTask& norm) {
    float shift = *norm.shift;
    Moments moments = moments_of(kernels_.add_partials(norm.partials.data(), norm.partials.size()),
                                 norm.num_values);
    if (shift_is_too_far(moments)) {
        shift = static_cast<float>(shift + moments.mean);
        moments = measure_again(norm, shift);
    }
    return {static_cast<float>(shift + moments.mean),
            static_cast<float>(reciprocal_std(moments, norm.eps))};
}

// Rare, and so with arguments made here.
Moments Session::Worker::measure_again(const NormTask& norm, float shift) {
    const StatsPlan& stats = session_.plan_.stats[norm.stats];
    const MapPlan& map = session_.plan_.maps[stats.map];
    const std::size_t num_blocks = kernels::divide_up(map.channels, kernels_.block);
    auto* partials = reinterpret_cast<kernels::Partial*>(maps_ + stats.offset);
    barrier();  // the others may still be reading the first partials
    kernels_.map_statistics({.src = maps_ + map.offset,
                             .height = map.height,
                             .width = map.width,
                             .channels = map.channels,
                             .shift = shift,
                             .partials = partials,
                             .blocks = share(num_blocks)});
    barrier();
    const std::size_t num_partials = num_blocks * kernels::num_strips(map.height, map.width);
    return moments_of(kernels_.add_partials(partials, num_partials), norm.num_values);
}

void Session::Worker::barrier() const {
    if (crew_.size > 1) session_.team_->barrier();
}

Range Session::Worker::share(std::size_t total) const {
    return crew_.size > 1 ? kernels::split(total, crew_.size, thread_) : Range{0, total};
}

}  // namespace pf
