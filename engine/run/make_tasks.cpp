// make_tasks: the kernels' arguments for one thread's share of every step.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/task.hpp"

namespace pf {
namespace {

using kernels::Partial;
using kernels::Range;

// Threads that would have fewer pixels (or quads) of a convolution each share its output channels
// instead, rather than all read all of its weights for next to nothing: at 224x224 from 4 threads
// on, 0.95 to 1.1 times as fast with 4 and 1.0 to 1.5 times with 8 (docs/architecture.md).
constexpr std::size_t kFewestUnits = 16;

class TaskMaker {
  public:
    TaskMaker(const Model& model, const SessionPlan& plan, const Convolutions& convolutions,
              const Place& place)
        : model_(model), plan_(plan), convolutions_(convolutions), place_(place) {}

    Task make(const Step& step) const {
        return std::visit([&](const auto& op) { return Task{task(step, op)}; }, step.op);
    }

  private:
    Task task(const Step& step, const ConvolutionStep& op) const {
        return std::visit([&](const auto& layout) { return Task{task(step, op, layout)}; },
                          op.layout);
    }

    OnednnTask task(const Step& step, const ConvolutionStep& op,
                    kernels::OnednnLayout layout) const {
        const std::size_t first_channel = share(num_blocks(step.out_channels)).begin * layout.block;
        layout.out_channels = first_channel;
        const WeightOffset weights = op.weights + layout.weight_floats();
        return {.convolution = convolutions_[place_.thread].get(),
                .weights = model_.at(weights),
                .bias = model_.at(op.bias) + first_channel,
                .dst = map_data(*step.output_map) + first_channel * output_of(step).pixels(),
                .scratch = reinterpret_cast<std::byte*>(place_.scratch)};
    }

    template <class Layout>
    kernels::ConvolutionArgs<Layout> task(const Step& step, const ConvolutionStep& op,
                                          const Layout& layout) const {
        const MapPlan& input = input_of(step);
        const MapPlan& output = output_of(step);
        const std::size_t num_units = layout.num_units(output.height, output.width);
        const bool by_channels = num_units < kFewestUnits * place_.num_threads;
        return {.src = map_data(*step.input_map),
                .dst = map_data(*step.output_map),
                .in_height = input.height,
                .in_width = input.width,
                .out_height = output.height,
                .out_width = output.width,
                .stride = op.window.stride,
                .padding = op.window.padding,
                .layout = layout,
                .weights = model_.at(op.weights),
                .bias = model_.at(op.bias),
                .units = by_channels ? Range{0, num_units} : share(num_units),
                .panels = by_channels ? share(layout.num_panels()) : Range{0, layout.num_panels()},
                .scratch = place_.scratch};
    }

    StatisticsTask task(const Step& step, const StatisticsStep&) const {
        const MapPlan& map = input_of(step);
        return {.args = {.src = map_data(*step.input_map),
                         .height = map.height,
                         .width = map.width,
                         .channels = map.channels,
                         .partials = output_partials(step),
                         .blocks = share(num_blocks(map.channels))},
                .shift = output_shift(step)};
    }

    PoolMixTask task(const Step& step, const PoolMixStep& op) const {
        const MapPlan& map = input_of(step);
        return {.norm = norm(step, op.eps),
                .args = {.src = map_data(*step.input_map),
                         .dst = map_data(*step.output_map),
                         .scale = model_.at(op.scale),
                         .height = map.height,
                         .width = map.width,
                         .channels = map.channels,
                         .partials = output_partials(step),
                         .blocks = share(num_blocks(map.channels)),
                         .scratch = place_.scratch},
                .shift = output_shift(step)};
    }

    ChannelMlpTask task(const Step& step, const ChannelMlpStep& op) const {
        const MapPlan& map = input_of(step);
        const bool by_channels = is_shared_by_channels(map.pixels());
        return {.norm = norm(step, op.eps),
                .args = {.src = map_data(*step.input_map),
                         .dst = map_data(*step.output_map),
                         .height = map.height,
                         .width = map.width,
                         .layout = op.layout,
                         .weights = model_.at(op.weights),
                         .fc1_bias = model_.at(op.fc1_bias),
                         .fc2_bias = model_.at(op.fc2_bias),
                         .by_channels = by_channels,
                         .partials = output_partials(step),
                         .pixels = by_channels ? Range{0, map.pixels()} : share(map.pixels()),
                         .hidden_groups = share(op.layout.num_hidden_groups()),
                         .panels = share(op.layout.num_panels()),
                         .hidden = place_.maps + plan_.hidden_offset,
                         .scratch = place_.scratch},
                .shift = output_shift(step)};
    }

    HeadTask task(const Step& step, const HeadStep& op) const {
        const MapPlan& map = input_of(step);
        return {.order = op.order,
                .norm = step.input_stats ? norm(step, op.eps) : NormTask{.eps = op.eps},
                .means = {.src = map_data(*step.input_map),
                          .num_pixels = map.pixels(),
                          .channels = map.channels,
                          .dst = place_.scratch},
                .norm_weight = model_.at(op.norm_weight),
                .norm_bias = model_.at(op.norm_bias),
                .linear = {.src = place_.scratch,
                           .layout = op.layout,
                           .weights = model_.at(op.weights),
                           .bias = model_.at(op.bias),
                           .panels = share(op.layout.num_panels())}};
    }

    NormTask norm(const Step& step, double eps) const {
        const StatsPlan& stats = plan_.stats[*step.input_stats];
        const MapPlan& map = plan_.maps[stats.map];
        return {.stats = *step.input_stats,
                .partials = {partials(*step.input_stats), stats.num_units},
                .num_values = map.channels * map.pixels(),
                .eps = eps,
                .shift = place_.shifts + *step.input_stats};
    }

    const MapPlan& input_of(const Step& step) const { return plan_.maps[*step.input_map]; }
    const MapPlan& output_of(const Step& step) const { return plan_.maps[*step.output_map]; }
    float* map_data(std::size_t map) const { return place_.maps + plan_.maps[map].offset; }

    Partial* partials(std::size_t stats) const {
        return reinterpret_cast<Partial*>(place_.maps + plan_.stats[stats].offset);
    }
    Partial* output_partials(const Step& step) const {
        return step.output_stats ? partials(*step.output_stats) : nullptr;
    }
    float* output_shift(const Step& step) const {
        return step.output_stats ? place_.shifts + *step.output_stats : nullptr;
    }

    std::size_t num_blocks(std::size_t channels) const {
        return kernels::divide_up(channels, model_.kernels->block);
    }
    Range share(std::size_t total) const {
        if (place_.num_threads == 1) return {0, total};
        return kernels::split(total, place_.num_threads, place_.thread);
    }

    const Model& model_;
    const SessionPlan& plan_;
    const Convolutions& convolutions_;
    const Place& place_;
};

}  // namespace

std::vector<Task> make_tasks(const Model& model, const SessionPlan& plan,
                             const Convolutions& convolutions, const Place& place) {
    const TaskMaker maker(model, plan, convolutions, place);
    std::vector<Task> tasks;
    tasks.reserve(model.steps.size());
    for (const Step& step : model.steps) tasks.push_back(maker.make(step));
    return tasks;
}

}  // namespace pf
