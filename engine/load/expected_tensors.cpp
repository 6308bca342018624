// expected_tensors: the names and shapes of models/README.md, in execution order.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/load/description.hpp"

namespace pf {
namespace {

class TensorList {
  public:
    void add(std::string name, std::vector<std::size_t> shape) {
        specs_.push_back({std::move(name), std::move(shape)});
    }

    void add_norm(const std::string& name, const Norm& norm, std::size_t channels) {
        if (norm.kind == NormKind::none) return;
        if (norm.has_weight) add(name + ".weight", {channels});
        if (norm.has_bias) add(name + ".bias", {channels});
        if (norm.kind == NormKind::batch_norm) {
            add(name + ".mean", {channels});
            add(name + ".var", {channels});
        }
    }

    void add_linear(const std::string& name, std::size_t outputs, std::size_t inputs,
                    bool has_bias) {
        add(name + ".weight", {outputs, inputs});
        if (has_bias) add(name + ".bias", {outputs});
    }

    void add_block(const std::string& name, const Stage& stage) {
        const std::size_t hidden = stage.channels * stage.mlp.ratio;
        add_norm(name + ".norm1", stage.norm, stage.channels);
        if (stage.has_layer_scale) add(name + ".ls1", {stage.channels});
        add_norm(name + ".norm2", stage.norm, stage.channels);
        add_linear(name + ".fc1", hidden, stage.channels, stage.mlp.has_bias);
        add_linear(name + ".fc2", stage.channels, hidden, stage.mlp.has_bias);
        if (stage.has_layer_scale) add(name + ".ls2", {stage.channels});
    }

    std::vector<TensorSpec> take() { return std::move(specs_); }

  private:
    std::vector<TensorSpec> specs_;
};

}  // namespace

std::vector<TensorSpec> expected_tensors(const Description& description) {
    TensorList list;
    std::size_t channels = kImageChannels;
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        const Stage& stage = description.stages[i];
        const std::string number = std::to_string(i);
        const std::size_t kernel = description.patch_embeddings[i].kernel;
        list.add("embed." + number + ".weight", {stage.channels, channels, kernel, kernel});
        list.add("embed." + number + ".bias", {stage.channels});
        channels = stage.channels;
        for (std::size_t j = 0; j < stage.depth; ++j) {
            list.add_block("s" + number + ".b" + std::to_string(j), stage);
        }
    }
    list.add_norm("final_norm", description.head.norm, channels);
    list.add_linear("fc", description.head.classes, channels, true);
    return list.take();
}

}  // namespace pf
