// interpret: runs the nodes in order and keeps each value only until its last reader.
// SPDX-License-Identifier: Apache-2.0
#include "engine/interpret/interpret.hpp"

#include <string>
#include <utility>
#include <variant>

#include "engine/interpret/apply.hpp"

namespace pf {

Map make_map(std::size_t channels, std::size_t height, std::size_t width) {
    return {channels, height, width, std::vector<double>(channels * height * width)};
}

namespace {

using Computed = std::variant<std::monostate, Map, Statistics>;

// The inputs of one node; evaluates its operation.
struct Evaluate {
    const Map& image;
    const std::vector<Computed>& values;
    const std::vector<Value>& inputs;

    const Map& map(std::size_t i) const { return std::get<Map>(values[inputs[i]]); }
    const Statistics& stats() const { return std::get<Statistics>(values[inputs[1]]); }

    Computed operator()(const InputOp&) const { return image; }
    Computed operator()(const NormStats& op) const { return statistics(map(0), op.eps); }
    Computed operator()(const Add& op) const { return apply(op, map(0), map(1)); }
    Computed operator()(const Subtract& op) const { return apply(op, map(0), map(1)); }
    Computed operator()(const PoolMix& op) const { return apply(op, map(0), stats()); }
    Computed operator()(const ChannelMlp& op) const { return apply(op, map(0), stats()); }
    Computed operator()(const HeadOp& op) const {
        if (op.order == HeadOrder::norm_pool) return apply(op, map(0), stats());
        return apply(op, map(0));
    }
    template <class Unary>
    Computed operator()(const Unary& op) const {
        return apply(op, map(0));
    }
};

class Interpreter {
  public:
    Interpreter(const Graph& graph, const Map& image)
        : graph_(graph), image_(image), values_(graph.next_value), last_reader_(graph.next_value) {
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            for (const Value input : graph.nodes[i].inputs) last_reader_[input] = i;
        }
    }

    Result<Interpretation> run() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            const Node& node = graph_.nodes[i];
            if (Status status = check_input(node); !status) return status.error();
            values_[node.output] = std::visit(Evaluate{image_, values_, node.inputs}, node.op);
            if (node.stats) values_[node.stats->output] = attached_statistics(node);
            copy_taps(node.output);
            for (const Value input : node.inputs) {
                if (last_reader_[input] == i) values_[input] = {};
            }
        }
        result_.output = std::get<Map>(std::move(values_[graph_.nodes.back().output]));
        return std::move(result_);
    }

  private:
    Status check_input(const Node& node) const {
        if (const auto* input = std::get_if<InputOp>(&node.op)) return check_image(*input);
        if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
            return check_window(node.name, conv->window, std::get<Map>(values_[node.inputs[0]]));
        }
        return {};
    }

    Status check_image(const InputOp& input) const {
        const std::size_t size = image_.channels * num_pixels(image_);
        if (image_.channels == input.channels && image_.data.size() == size) return {};
        return Error{ErrorCode::invalid_argument,
                     "the input has " + std::to_string(image_.channels) + " channels of " +
                         size_text(image_) + " pixels in " + std::to_string(image_.data.size()) +
                         " numbers; expected " + std::to_string(input.channels) +
                         " channels and one number for each pixel of each"};
    }

    static Status check_window(const std::string& name, const PatchEmbedding& window,
                               const Map& x) {
        if (convolved_size(window, x.height) > 0 && convolved_size(window, x.width) > 0) return {};
        const std::string kernel = std::to_string(window.kernel);
        return Error{ErrorCode::invalid_argument,
                     "convolution \"" + name + "\" has no output: its " + kernel + "x" + kernel +
                         " window with padding " + std::to_string(window.padding) +
                         " does not fit its " + size_text(x) + " input; give a larger image"};
    }

    static std::string size_text(const Map& map) {
        return std::to_string(map.height) + "x" + std::to_string(map.width);
    }

    Statistics attached_statistics(const Node& node) const {
        return statistics(std::get<Map>(values_[node.output]), node.stats->eps);
    }

    void copy_taps(Value value) {
        for (const Tap& tap : graph_.taps) {
            if (tap.value == value) result_.taps[tap.name] = std::get<Map>(values_[value]);
        }
    }

    const Graph& graph_;
    const Map& image_;
    std::vector<Computed> values_;          // by Value; a value is dropped after its last reader
    std::vector<std::size_t> last_reader_;  // by Value: index of a node
    Interpretation result_;
};

}  // namespace

Result<Interpretation> interpret(const Graph& graph, const Map& input) {
    return Interpreter(graph, input).run();
}

}  // namespace pf
