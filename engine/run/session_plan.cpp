// SessionPlan: the shapes, the arena and the work of a model at one input size.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/session_plan.hpp"

#include <algorithm>
#include <string>

#include "engine/graph/ops.hpp"
#include "engine/run/plan_memory.hpp"

namespace pf {
namespace {

using kernels::divide_up;
using kernels::round_up;
using kernels::whole_lines;

constexpr std::size_t kMaxInputSide = 16384;  // pixels; keeps every size far from overflow

// Of an input from which every convolution has an output.
std::size_t smallest_side(const Description& description) {
    std::size_t side = 1;
    const auto& windows = description.patch_embeddings;
    for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
        const std::size_t read = (side - 1) * window->stride + window->kernel;
        const std::size_t padding = 2 * window->padding;
        side = std::min(read > padding ? read - padding : 1, kMaxInputSide + 1);
    }
    return side;
}

class Planner {
  public:
    Planner(const Model& model, std::size_t num_threads, SessionPlan& plan)
        : model_(model), num_threads_(num_threads), plan_(plan) {
        plan.maps.resize(model.num_maps);
        plan.stats.resize(model.num_stats);
        map_lifetimes_.resize(model.num_maps, {0, model.steps.size(), 0});
        stats_lifetimes_.resize(model.num_stats, {0, model.steps.size(), 0});
        hidden_lifetime_ = {0, model.steps.size(), 0};
    }

    Status plan_steps() {
        for (std::size_t i = 0; i < model_.steps.size(); ++i) {
            const Step& step = model_.steps[i];
            const Status status =
                std::visit([&](const auto& op) { return plan_step(step, op); }, step.op);
            if (!status) return status;
            note_uses(step, i);
            if (uses_hidden(step)) use(hidden_lifetime_, i);
        }
        return {};
    }

    void place(InputFormat format) {
        std::vector<Lifetime> lifetimes = map_lifetimes_;
        lifetimes.insert(lifetimes.end(), stats_lifetimes_.begin(), stats_lifetimes_.end());
        lifetimes.push_back(hidden_lifetime_);
        const MemoryPlan memory = plan_memory(lifetimes);
        const std::size_t num_maps = plan_.maps.size();
        for (std::size_t i = 0; i < num_maps; ++i) plan_.maps[i].offset = memory.offsets[i];
        for (std::size_t i = 0; i < plan_.stats.size(); ++i) {
            plan_.stats[i].offset = memory.offsets[num_maps + i];
        }
        plan_.hidden_offset = memory.offsets.back();
        plan_.logits_offset = whole_lines(memory.total_floats);
        plan_.planes_offset = plan_.logits_offset + whole_lines(model_.description.head.classes);
        const std::size_t planes = format == InputFormat::nchw_f32 ? 0 : kImageChannels;
        plan_.shared_floats =
            plan_.planes_offset + whole_lines(planes * plan_.input_height * plan_.input_width);
    }

  private:
    std::size_t block() const { return model_.kernels->block; }

    const MapPlan& input_of(const Step& step) const { return plan_.maps[*step.input_map]; }

    void set_output(const Step& step, std::size_t height, std::size_t width) {
        MapPlan& map = plan_.maps[*step.output_map];
        map.channels = step.out_channels;
        map.height = height;
        map.width = width;
        map_lifetimes_[*step.output_map].floats =
            round_up(step.out_channels, block()) * map.pixels();
    }

    // What the step writes about `map` in `num_units` units. A second look at a map (Session)
    // counts strips, so there is always room for those too.
    void set_stats(const Step& step, std::size_t map, std::size_t num_units) {
        if (!step.output_stats) return;
        StatsPlan& stats = plan_.stats[*step.output_stats];
        stats.map = map;
        stats.num_units = num_units;
        stats.capacity = std::max(num_units, num_strips(plan_.maps[map]));
        stats_lifetimes_[*step.output_stats].floats =
            stats.capacity * sizeof(kernels::Partial) / sizeof(float);
    }

    std::size_t num_strips(const MapPlan& map) const {
        return divide_up(map.channels, block()) * kernels::num_strips(map.height, map.width);
    }

    void need_scratch(std::size_t floats) {
        plan_.scratch_floats = std::max(plan_.scratch_floats, whole_lines(floats));
    }

    void need_hidden(std::size_t floats) {
        if (num_threads_ == 1) return;  // channel_mlp keeps a chunk of them in its scratch
        hidden_lifetime_.floats = std::max(hidden_lifetime_.floats, floats);
    }

    Status plan_step(const Step& step, const ConvolutionStep& op) {
        const bool is_stem = !step.input_map;
        const std::size_t height = is_stem ? plan_.input_height : input_of(step).height;
        const std::size_t width = is_stem ? plan_.input_width : input_of(step).width;
        const std::size_t out_height = convolved_size(op.window, height);
        const std::size_t out_width = convolved_size(op.window, width);
        if (out_height == 0 || out_width == 0) {
            const std::string smallest = std::to_string(smallest_side(model_.description));
            return Error{ErrorCode::invalid_argument,
                         "input of " + std::to_string(plan_.input_height) + "x" +
                             std::to_string(plan_.input_width) +
                             " pixels is too small: " + step.name + " (kernel " +
                             std::to_string(op.window.kernel) + ", padding " +
                             std::to_string(op.window.padding) + ") would have no output on " +
                             std::to_string(height) + "x" + std::to_string(width) +
                             "; expected at least " + smallest + "x" + smallest};
        }
        set_output(step, out_height, out_width);
        std::visit(
            [&](const auto& layout) {
                if constexpr (requires { layout.scratch_floats(0); }) {  // oneDNN says it later
                    need_scratch(layout.scratch_floats(layout.num_units(out_height, out_width)));
                }
            },
            op.layout);
        plan_.macs += std::uint64_t{out_height} * out_width * step.out_channels * step.in_channels *
                      op.window.kernel * op.window.kernel;
        return {};
    }

    Status plan_step(const Step& step, const StatisticsStep&) {
        set_stats(step, *step.input_map, num_strips(input_of(step)));
        return {};
    }

    Status plan_step(const Step& step, const PoolMixStep&) {
        set_output(step, input_of(step).height, input_of(step).width);
        need_scratch(input_of(step).width * block());
        set_stats(step, *step.output_map, num_strips(plan_.maps[*step.output_map]));
        return {};
    }

    Status plan_step(const Step& step, const ChannelMlpStep& op) {
        set_output(step, input_of(step).height, input_of(step).width);
        const std::size_t pixels = input_of(step).pixels();
        if (is_shared_by_channels(pixels)) {
            set_stats(step, *step.output_map, num_strips(input_of(step)));
            need_hidden(op.layout.padded_hidden() * pixels);
        } else {
            set_stats(step, *step.output_map, pixels);
        }
        need_scratch(op.layout.scratch_floats(pixels));
        plan_.macs += std::uint64_t{2} * pixels * op.layout.channels * op.layout.hidden;
        return {};
    }

    Status plan_step(const Step&, const HeadStep& op) {
        need_scratch(round_up(op.layout.inputs, block()));
        plan_.macs += std::uint64_t{op.layout.inputs} * op.layout.outputs;
        return {};
    }

    void note_uses(const Step& step, std::size_t index) {
        if (step.tap) plan_.tap_maps.push_back(*step.output_map);
        if (step.input_map) use(map_lifetimes_[*step.input_map], index);
        if (step.output_map) use(map_lifetimes_[*step.output_map], index);
        if (step.input_stats) use(stats_lifetimes_[*step.input_stats], index);
        if (step.output_stats) use(stats_lifetimes_[*step.output_stats], index);
    }

    bool uses_hidden(const Step& step) const {
        return std::holds_alternative<ChannelMlpStep>(step.op) &&
               is_shared_by_channels(input_of(step).pixels());
    }

    static void use(Lifetime& lifetime, std::size_t step) {
        lifetime.first = std::min(lifetime.first, step);
        lifetime.last = std::max(lifetime.last, step);
    }

    const Model& model_;
    const std::size_t num_threads_;
    SessionPlan& plan_;
    std::vector<Lifetime> map_lifetimes_;
    std::vector<Lifetime> stats_lifetimes_;
    Lifetime hidden_lifetime_;
};

}  // namespace

Result<SessionPlan> plan_session(const Model& model, std::size_t input_height,
                                 std::size_t input_width, InputFormat format,
                                 std::size_t num_threads) {
    if (std::max(input_height, input_width) > kMaxInputSide) {
        return Error{ErrorCode::invalid_argument, "input of " + std::to_string(input_height) + "x" +
                                                      std::to_string(input_width) +
                                                      " pixels is too large: at most " +
                                                      std::to_string(kMaxInputSide) + " a side"};
    }
    SessionPlan plan;
    plan.input_height = input_height;
    plan.input_width = input_width;
    Planner planner(model, num_threads, plan);
    if (Status status = planner.plan_steps(); !status) return status.error();
    planner.place(format);
    return plan;
}

}  // namespace pf
