// compile: a loaded model becomes fused steps with weights packed for one instruction set.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/compile.hpp"

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "engine/compile/choose_convolution.hpp"
#include "engine/compile/pack_weights.hpp"
#include "engine/compile/passes.hpp"
#include "engine/graph/graph.hpp"
#include "engine/load/supported.hpp"

namespace pf {
namespace {

using kernels::round_up;

// Walks the fused graph twice: make_steps() numbers maps and statistics and gives each parameter
// its place, pack() fills the places in once their memory exists.
class Compiler {
  public:
    Compiler(const Graph& graph, Model& model)
        : graph_(graph), model_(model), channels_(count_channels(graph)) {}

    // Makes the steps and lays out the weights. Fails on an operation without a kernel, which
    // check_executable() should have refused.
    Status make_steps() {
        for (const Node& node : graph_.nodes) {
            if (std::holds_alternative<InputOp>(node.op)) continue;
            const bool known = std::visit([&](const auto& op) { return add(node, op); }, node.op);
            if (!known) return no_kernel(node);
        }
        std::size_t num_blocks = 0;
        for (const Stage& stage : model_.description.stages) {
            num_blocks += stage.depth;
            model_.stage_taps.push_back(num_blocks - 1);
        }
        return {};
    }

    std::size_t weight_floats() const { return weight_floats_; }

    void pack() {
        std::size_t step = 0;
        for (const Node& node : graph_.nodes) {
            if (std::holds_alternative<InputOp>(node.op)) continue;
            std::visit([&](const auto& op) { pack_step(model_.steps[step], op); }, node.op);
            ++step;
        }
    }

  private:
    static Error no_kernel(const Node& node) {
        return {ErrorCode::internal,
                "no kernel for \"" + node.name + "\" (" + op_name(node.op) + "): please report it"};
    }

    // In the order of execution, a step's vectors before its matrices: the last panel of a matrix
    // is read while what lies behind it is prefetched.
    WeightOffset reserve(std::size_t floats) {
        const WeightOffset offset = weight_floats_;
        weight_floats_ += kernels::whole_lines(floats);
        return offset;
    }

    std::span<float> weights(WeightOffset offset, std::size_t floats) {
        return model_.weights.floats().subspan(offset, floats);
    }

    // The number of a graph value's map or statistics, given out in order of appearance.
    static std::size_t number(std::map<Value, std::size_t>& numbers, Value value,
                              std::size_t& count) {
        const auto [found, is_new] = numbers.try_emplace(value, count);
        count += is_new;
        return found->second;
    }

    std::size_t map_of(Value value) { return number(maps_, value, model_.num_maps); }
    std::size_t stats_of(Value value) { return number(stats_, value, model_.num_stats); }

    bool reads_image(const Node& node) const {
        return node.inputs.front() == graph_.nodes.front().output;
    }

    Step& add_step(const Node& node) {
        Step step;
        step.name = node.name;
        const Value input = node.inputs.front();
        if (!reads_image(node)) step.input_map = map_of(input);
        step.in_channels = channels_[input];
        step.out_channels = channels_[node.output];
        if (node.inputs.size() > 1) step.input_stats = stats_of(node.inputs[1]);
        if (node.stats) {
            step.output_stats = stats_of(node.stats->output);
            eps_[node.stats->output] = node.stats->eps;
        }
        model_.steps.push_back(std::move(step));
        return model_.steps.back();
    }

    // Lets a kernel that can do so write over its input, unless a later node reads that: half the
    // cache footprint. A tap is copied before the next step.
    void work_in_place(const Node& node) {
        const Value input = node.inputs.front();
        if (!graph_.is_read_after(node, input)) maps_[node.output] = map_of(input);
    }

    // A step whose output is a map.
    Step& add_map_step(const Node& node) {
        Step& step = add_step(node);
        step.output_map = map_of(node.output);
        for (const Tap& tap : graph_.taps) {
            if (tap.value != node.output) continue;
            step.tap = model_.taps.size();
            model_.taps.push_back(tap.name);
        }
        return step;
    }

    ConvolutionLayout convolution_layout(const Conv2d& op, ConvolutionKernel kernel) const {
        const std::size_t panel = model_.kernels->panel;
        switch (kernel) {
            case ConvolutionKernel::onednn:
                break;
            case ConvolutionKernel::gemm:
                return kernels::GemmConvolutionLayout{op.in_channels, op.weight.rows,
                                                      op.window.kernel, panel};
            case ConvolutionKernel::winograd:
                return kernels::WinogradLayout{op.in_channels, op.weight.rows, panel};
        }
        return kernels::OnednnLayout{op.in_channels, op.weight.rows, op.window.kernel,
                                     model_.kernels->block};
    }

    static std::size_t weight_floats(const ConvolutionLayout& of_any_kernel) {
        return std::visit([](const auto& layout) { return layout.weight_floats(); }, of_any_kernel);
    }

    std::size_t bias_floats(const Conv2d& op) const {
        return round_up(round_up(op.weight.rows, model_.kernels->panel), model_.kernels->block);
    }

    bool add(const Node& node, const Conv2d& op) {
        ConvolutionStep conv;
        conv.window = op.window;
        conv.layout =
            convolution_layout(op, choose_convolution(model_.description, num_embeddings_++));
        conv.bias = reserve(bias_floats(op));
        conv.weights = reserve(weight_floats(conv.layout));
        add_map_step(node).op = conv;
        return true;
    }

    bool add(const Node& node, const NormStats& op) {
        Step& step = add_step(node);
        step.output_stats = stats_of(node.output);
        eps_[node.output] = op.eps;
        step.op = StatisticsStep{};
        return true;
    }

    bool add(const Node& node, const PoolMix& op) {
        work_in_place(node);
        Step& step = add_map_step(node);
        step.op = PoolMixStep{reserve(round_up(op.scale.size(), model_.kernels->block)),
                              eps_.at(node.inputs[1])};
        return true;
    }

    bool add(const Node& node, const ChannelMlp& op) {
        if (op.activation != ActivationKind::gelu) return false;
        work_in_place(node);
        const kernels::MlpLayout layout{op.fc1.weight.columns, op.fc1.weight.rows,
                                        model_.kernels->panel};
        Step& step = add_map_step(node);
        step.op = ChannelMlpStep{layout, reserve(layout.padded_hidden()),
                                 reserve(layout.padded_outputs()), reserve(layout.weight_floats()),
                                 eps_.at(node.inputs[1])};
        return true;
    }

    bool add(const Node& node, const HeadOp& op) {
        const kernels::LinearLayout layout{op.linear.weight.columns, op.linear.weight.rows,
                                           model_.kernels->panel};
        Step& step = add_step(node);
        const double eps = op.order == HeadOrder::norm_pool ? eps_.at(node.inputs[1]) : op.eps;
        step.op = HeadStep{op.order,
                           layout,
                           reserve(layout.inputs),
                           reserve(layout.inputs),
                           reserve(layout.padded_outputs()),
                           reserve(layout.weight_floats()),
                           eps};
        return true;
    }

    bool add(const Node&, const auto&) { return false; }

    void pack_step(const Step& step, const Conv2d& op) {
        const auto& conv = std::get<ConvolutionStep>(step.op);
        const std::span<float> to = weights(conv.weights, weight_floats(conv.layout));
        std::visit([&](const auto& layout) { pack_convolution(op, layout, to); }, conv.layout);
        pack_vector(op.bias, weights(conv.bias, bias_floats(op)));
    }

    void pack_step(const Step& step, const PoolMix& op) {
        const auto& mix = std::get<PoolMixStep>(step.op);
        pack_vector(op.scale, weights(mix.scale, op.scale.size()));
    }

    void pack_step(const Step& step, const ChannelMlp& op) {
        const auto& mlp = std::get<ChannelMlpStep>(step.op);
        pack_mlp(op, mlp.layout, weights(mlp.weights, mlp.layout.weight_floats()));
        pack_vector(op.fc1.bias, weights(mlp.fc1_bias, mlp.layout.padded_hidden()));
        pack_vector(op.fc2.bias, weights(mlp.fc2_bias, mlp.layout.padded_outputs()));
    }

    void pack_step(const Step& step, const HeadOp& op) {
        const auto& head = std::get<HeadStep>(step.op);
        pack_linear(op.linear, head.layout, weights(head.weights, head.layout.weight_floats()));
        pack_vector(op.linear.bias, weights(head.bias, head.layout.outputs));
        const std::size_t channels = head.layout.inputs;
        pack_vector(op.weight.empty() ? Vector(channels, 1.0) : op.weight,
                    weights(head.norm_weight, channels));
        pack_vector(op.bias, weights(head.norm_bias, channels));
    }

    void pack_step(const Step&, const auto&) {}

    const Graph& graph_;
    Model& model_;
    std::size_t weight_floats_ = 0;
    std::size_t num_embeddings_ = 0;           // of the stages so far
    const std::vector<std::size_t> channels_;  // of each value
    std::map<Value, std::size_t> maps_, stats_;
    std::map<Value, double> eps_;  // of the norm that each statistics are for
};

Result<Graph> fused_graph(const Description& description, const Weights& weights) {
    if (Status status = check_executable(description); !status) return status.error();
    auto graph = build_graph(description, weights);
    if (graph) fuse(*graph);
    return graph;
}

// Without steps or weights.
Model empty_model(const Description& description, const Weights& weights,
                  const kernels::KernelTable& kernels) {
    Model model;
    model.description = description;
    model.kernels = &kernels;
    model.num_parameters = weights.num_parameters();
    return model;
}

}  // namespace

Result<Model> compile(const LoadedModel& loaded, const kernels::KernelTable& kernels,
                      const Allocator& allocator) {
    const auto graph = fused_graph(loaded.description, loaded.weights);
    if (!graph) return graph.error();
    Model model = empty_model(loaded.description, loaded.weights, kernels);
    model.text = loaded.text;
    Compiler compiler(*graph, model);
    if (Status status = compiler.make_steps(); !status) return status.error();
    auto weights = AlignedBuffer::allocate(compiler.weight_floats(), allocator);
    if (!weights) return weights.error();
    model.weights = std::move(*weights);
    compiler.pack();
    return model;
}

Result<Layout> lay_out(const Description& description, const kernels::KernelTable& kernels) {
    const auto zeros = Weights::zeros(description);
    if (!zeros) return zeros.error();
    const auto graph = fused_graph(description, *zeros);
    if (!graph) return graph.error();
    Layout layout{.model = empty_model(description, *zeros, kernels)};
    Compiler compiler(*graph, layout.model);
    if (Status status = compiler.make_steps(); !status) return status.error();
    layout.weight_floats = compiler.weight_floats();
    return layout;
}

}  // namespace pf
