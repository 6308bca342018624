// Session::Worker: what one thread does of each step.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/worker.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/check.hpp"

namespace pf {

using kernels::Partial;
using kernels::Range;
using kernels::round_up;

Session::Worker::Worker(Session& session, const Image& image, const Crew& crew, std::size_t thread)
    : session_(session),
      model_(*session.model_),
      kernels_(*model_.kernels),
      image_(image),
      crew_(crew),
      thread_(thread),
      maps_(session.arena_.data() + crew.area * session.plan_.shared_floats),
      thread_area_(session.arena_.data() + session.images_at_once_ * session.plan_.shared_floats +
                   thread * session.thread_floats_) {}

bool Session::Worker::run() {
    convert_image();
    for (step_index_ = 0; step_index_ < model_.steps.size(); ++step_index_) {
        const Step& step = model_.steps[step_index_];
        std::visit([&](const auto& op) { run_step(step, op); }, step.op);
        if (is_first()) check_stop();
        barrier();
        if (!goes_on()) return false;
        if (step.tap) copy_block(step);
    }
    if (is_first()) write_logits();
    return true;
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
    return image_.index * model_.steps.size() + step_index_;
}

void Session::Worker::run_step(const Step& step, const ConvolutionStep& op) {
    if (op.kernel == ConvolutionKernel::gemm) {
        run_gemm(step, op);
    } else {
        run_onednn(step, op);
    }
}

void Session::Worker::run_gemm(const Step& step, const ConvolutionStep& op) {
    const MapPlan& input = session_.plan_.maps[*step.input_map];
    const MapPlan& output = session_.plan_.maps[*step.output_map];
    kernels_.gemm_convolution({.src = map_data(*step.input_map),
                               .dst = map_data(*step.output_map),
                               .in_height = input.height,
                               .in_width = input.width,
                               .out_width = output.width,
                               .num_pixels = output.pixels(),
                               .stride = op.window.stride,
                               .padding = op.window.padding,
                               .layout = op.layout,
                               .weights = model_.at(op.weights),
                               .bias = model_.at(op.bias),
                               .pixels = share(output.pixels()),
                               .scratch = scratch()});
}

void Session::Worker::run_onednn(const Step& step, const ConvolutionStep& op) {
    const bool is_alone = crew_.size == 1;
    const auto& convolutions = is_alone ? session_.whole_convolutions_[step_index_]
                                        : session_.shared_convolutions_[step_index_];
    const auto& convolution = convolutions[thread_];
    if (convolution == nullptr) return;
    const Range blocks = share(num_blocks(step.out_channels));
    const std::size_t first_channel = blocks.begin * kernels_.block;
    const WeightOffset weights =
        op.weights + kernels::packed_conv_weight_floats(step.in_channels, first_channel,
                                                        op.window.kernel, kernels_.block);
    const float* src = step.input_map ? map_data(*step.input_map) : planes_;
    const MapPlan& output = session_.plan_.maps[*step.output_map];
    const bool done =
        convolution->execute(src, model_.at(weights), model_.at(op.bias) + first_channel,
                             map_data(*step.output_map) + first_channel * output.pixels(),
                             reinterpret_cast<std::byte*>(scratch()));
    if (!done) session_.failed_.store(true, std::memory_order_relaxed);
}

void Session::Worker::run_step(const Step& step, const StatisticsStep&) {
    // Around the mean of the first pixel: close enough to the map's, and read in a moment.
    const float* pixel = map_data(*step.input_map);
    const MapPlan& map = session_.plan_.maps[*step.input_map];
    const std::size_t block = kernels_.block;
    double sum = 0;
    for (std::size_t c = 0; c < map.channels; c += block, pixel += map.pixels() * block) {
        for (std::size_t i = 0; i < std::min(block, map.channels - c); ++i) sum += pixel[i];
    }
    const float shift = static_cast<float>(sum / static_cast<double>(map.channels));
    shift_of(*step.output_stats) = shift;
    write_statistics(*step.output_stats, shift);
}

void Session::Worker::run_step(const Step& step, const PoolMixStep& op) {
    const Norm norm = finish_norm(*step.input_stats, op.eps);
    const MapPlan& map = session_.plan_.maps[*step.input_map];
    kernels_.pool_mix({.src = map_data(*step.input_map),
                       .dst = map_data(*step.output_map),
                       .scale = model_.at(op.scale),
                       .rstd = norm.rstd,
                       .height = map.height,
                       .width = map.width,
                       .channels = map.channels,
                       .shift = norm.mean,
                       .partials = output_partials(step, norm.mean),
                       .blocks = share(num_blocks(map.channels))});
}

void Session::Worker::run_step(const Step& step, const ChannelMlpStep& op) {
    const Norm norm = finish_norm(*step.input_stats, op.eps);
    const std::size_t num_pixels = session_.plan_.maps[*step.input_map].pixels();
    kernels_.channel_mlp({.src = map_data(*step.input_map),
                          .dst = map_data(*step.output_map),
                          .num_pixels = num_pixels,
                          .layout = op.layout,
                          .weights = model_.at(op.weights),
                          .fc1_bias = model_.at(op.fc1_bias),
                          .fc2_bias = model_.at(op.fc2_bias),
                          .mean = norm.mean,
                          .rstd = norm.rstd,
                          .shift = norm.mean,
                          .partials = output_partials(step, norm.mean),
                          .pixels = share(num_pixels),
                          .scratch = scratch()});
}

void Session::Worker::run_step(const Step& step, const HeadStep& op) {
    const MapPlan& map = session_.plan_.maps[*step.input_map];
    const float* src = map_data(*step.input_map);
    const bool norm_first = op.order == HeadOrder::norm_pool;
    Norm norm = norm_first ? finish_norm(*step.input_stats, op.eps) : Norm{.mean = src[0]};
    // The means are taken of (value - shift): a large common offset would cost digits.
    float* means = scratch();
    kernels_.channel_means({.src = src,
                            .num_pixels = map.pixels(),
                            .channels = map.channels,
                            .shift = norm.mean,
                            .dst = means});
    const std::span<float> vector(means, map.channels);
    double mean = 0;
    double rstd = norm.rstd;
    if (!norm_first) {
        const Moments moments = moments_of(vector);
        mean = moments.mean;
        rstd = reciprocal_std(moments, op.eps);
    }
    const float* weight = model_.at(op.norm_weight);
    const float* bias = model_.at(op.norm_bias);
    for (std::size_t c = 0; c < vector.size(); ++c) {
        vector[c] = static_cast<float>((vector[c] - mean) * rstd * weight[c] + bias[c]);
    }
    if (float* features = image_.request.features; features != nullptr && is_first()) {
        std::memcpy(features + image_.index * map.channels, means, vector.size_bytes());
    }
    kernels_.linear({.src = means,
                     .layout = op.layout,
                     .weights = model_.at(op.weights),
                     .bias = model_.at(op.bias),
                     .dst = maps_ + session_.plan_.logits_offset,
                     .panels = share(op.layout.num_panels())});
}

Session::Worker::Norm Session::Worker::finish_norm(std::size_t stats, double eps) {
    const StatsPlan& plan = session_.plan_.stats[stats];
    const MapPlan& map = session_.plan_.maps[plan.map];
    float shift = shift_of(stats);
    Moments moments = reduce({partials(stats), plan.num_units}, map.channels * map.pixels());
    if (shift_is_too_far(moments)) {
        shift = static_cast<float>(shift + moments.mean);
        moments = measure_again(stats, shift);
    }
    return {static_cast<float>(shift + moments.mean),
            static_cast<float>(reciprocal_std(moments, eps))};
}

Moments Session::Worker::measure_again(std::size_t stats, float shift) {
    const MapPlan& map = session_.plan_.maps[session_.plan_.stats[stats].map];
    barrier();  // the others may still be reading the first partials
    write_statistics(stats, shift);
    barrier();
    const std::size_t strips = kernels::num_strips(map.height, map.width);
    return reduce({partials(stats), num_blocks(map.channels) * strips},
                  map.channels * map.pixels());
}

void Session::Worker::write_statistics(std::size_t stats, float shift) {
    const std::size_t index = session_.plan_.stats[stats].map;
    const MapPlan& map = session_.plan_.maps[index];
    kernels_.map_statistics({.src = map_data(index),
                             .height = map.height,
                             .width = map.width,
                             .channels = map.channels,
                             .shift = shift,
                             .partials = partials(stats),
                             .blocks = share(num_blocks(map.channels))});
}

void Session::Worker::barrier() const {
    if (crew_.size > 1) session_.team_->barrier();
}

Range Session::Worker::share(std::size_t total) const {
    return crew_.size > 1 ? kernels::split(total, crew_.size, thread_) : Range{0, total};
}

std::size_t Session::Worker::num_blocks(std::size_t channels) const {
    return kernels::divide_up(channels, kernels_.block);
}

float* Session::Worker::map_data(std::size_t map) const {
    return maps_ + session_.plan_.maps[map].offset;
}

Partial* Session::Worker::partials(std::size_t stats) const {
    return reinterpret_cast<Partial*>(maps_ + session_.plan_.stats[stats].offset);
}

Partial* Session::Worker::output_partials(const Step& step, float shift) {
    if (!step.output_stats) return nullptr;
    shift_of(*step.output_stats) = shift;
    return partials(*step.output_stats);
}

float* Session::Worker::scratch() const {
    return thread_area_ + round_up(model_.num_stats, 16);
}

}  // namespace pf
