// build_graph: PoolFormer on one page.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "engine/graph/graph.hpp"
#include "engine/load/supported.hpp"

namespace pf {
namespace {

class Builder {
  public:
    Builder(const Description& description, const Weights& weights)
        : description_(description), weights_(weights) {}

    Graph network() {
        Value x = graph_.add("input", InputOp{channels_}, {});
        for (std::size_t i = 0; i < description_.stages.size(); ++i) {
            const Stage& stage = description_.stages[i];
            x = patch_embedding("embed." + std::to_string(i), i, x);
            for (std::size_t j = 0; j < stage.depth; ++j) {
                const std::string name = "s" + std::to_string(i) + ".b" + std::to_string(j);
                x = mix_tokens(name, stage, x);
                x = mix_channels(name, stage, x);
                graph_.taps.push_back({name, x});
            }
        }
        head(x);
        return std::move(graph_);
    }

  private:
    Value patch_embedding(const std::string& name, std::size_t stage, Value x) {
        const PatchEmbedding& window = description_.patch_embeddings[stage];
        const std::size_t rows = description_.stages[stage].channels;
        const std::size_t columns = channels_ * window.kernel * window.kernel;
        const std::size_t in_channels = std::exchange(channels_, rows);
        Conv2d conv{matrix(name, rows, columns), vector(name + ".bias"), in_channels, window};
        return graph_.add(name, std::move(conv), {x});
    }

    // x + ls1 * mixer(norm1(x)); the mixer is pool - identity, or identity.
    Value mix_tokens(const std::string& name, const Stage& stage, Value x) {
        Value branch = norm(name + ".norm1", stage.norm, x);
        if (stage.token_mixer.kind == TokenMixerKind::pool) {
            const Value pooled = graph_.add(name + ".pool", Pool{stage.token_mixer.size}, {branch});
            branch = graph_.add(name + ".subtract", Subtract{}, {pooled, branch});
        }
        branch = layer_scale(name + ".ls1", stage, branch);
        return graph_.add(name + ".add1", Add{}, {x, branch});
    }

    // x + ls2 * fc2(activation(fc1(norm2(x))))
    Value mix_channels(const std::string& name, const Stage& stage, Value x) {
        const std::size_t hidden = stage.mlp.ratio * stage.channels;
        Value branch = norm(name + ".norm2", stage.norm, x);
        branch = linear(name + ".fc1", hidden, stage.channels, stage.mlp.has_bias, branch);
        branch = graph_.add(name + ".act", Activation{stage.mlp.activation}, {branch});
        branch = linear(name + ".fc2", stage.channels, hidden, stage.mlp.has_bias, branch);
        branch = layer_scale(name + ".ls2", stage, branch);
        return graph_.add(name + ".add2", Add{}, {x, branch});
    }

    void head(Value x) {
        const Head& head = description_.head;
        if (head.order == HeadOrder::norm_pool) {
            x = norm("final_norm", head.norm, x);
            x = graph_.add("mean", GlobalMean{}, {x});
        } else {
            x = graph_.add("mean", GlobalMean{}, {x});
            x = norm("final_norm", head.norm, x);
        }
        linear("fc", head.classes, channels_, true, x);
    }

    Value norm(const std::string& name, const Norm& norm, Value x) {
        if (norm.kind == NormKind::none) return x;
        Vector weight = norm.has_weight ? vector(name + ".weight") : Vector{};
        Vector bias = norm.has_bias ? vector(name + ".bias") : Vector{};
        if (norm.kind == NormKind::group_norm) {
            return graph_.add(name, GroupNorm{norm.eps, std::move(weight), std::move(bias)}, {x});
        }
        if (norm.kind == NormKind::layer_norm) {
            return graph_.add(name, LayerNorm{norm.eps, std::move(weight), std::move(bias)}, {x});
        }
        BatchNorm batch_norm{norm.eps, std::move(weight), std::move(bias), vector(name + ".mean"),
                             vector(name + ".var")};
        return graph_.add(name, std::move(batch_norm), {x});
    }

    Value layer_scale(const std::string& name, const Stage& stage, Value x) {
        return stage.has_layer_scale ? graph_.add(name, Scale{vector(name)}, {x}) : x;
    }

    Value linear(const std::string& name, std::size_t rows, std::size_t columns, bool has_bias,
                 Value x) {
        Vector bias = has_bias ? vector(name + ".bias") : Vector{};
        return graph_.add(name, Linear{matrix(name, rows, columns), std::move(bias)}, {x});
    }

    Matrix matrix(const std::string& name, std::size_t rows, std::size_t columns) const {
        return {&weights_.at(name + ".weight"), rows, columns, {}, {}};
    }

    Vector vector(const std::string& name) const {
        const Tensor& tensor = weights_.at(name);
        Vector numbers(tensor.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = tensor.value(i);
        return numbers;
    }

    const Description& description_;
    const Weights& weights_;
    Graph graph_;
    std::size_t channels_ = kImageChannels;  // of the map that the network has reached
};

}  // namespace

Result<Graph> build_graph(const Description& description, const Weights& weights) {
    if (Status status = check_supported(description); !status) return status.error();
    return Builder(description, weights).network();
}

}  // namespace pf
