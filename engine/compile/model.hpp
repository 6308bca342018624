// Model: a compiled network. Steps and packed weights; no input size, no threads, no pointers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/aligned_buffer.hpp"
#include "engine/load/description.hpp"
#include "kernels/kernels.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {

using WeightOffset = std::size_t;  // in floats, into Model::weights; a multiple of 16 (64 bytes)

using ConvolutionLayout =
    std::variant<kernels::OnednnLayout, kernels::GemmConvolutionLayout, kernels::WinogradLayout>;

// Patch embedding of a map, or of the image.
struct ConvolutionStep {
    PatchEmbedding window;
    ConvolutionLayout layout;  // of the weights, for the kernel that was chosen
    WeightOffset bias = 0;
    WeightOffset weights = 0;
};

// Statistics of a map whose producer does not write them.
struct StatisticsStep {};

struct PoolMixStep {
    WeightOffset scale = 0;
    double eps = 0;
};

struct ChannelMlpStep {
    kernels::MlpLayout layout;
    WeightOffset fc1_bias = 0;
    WeightOffset fc2_bias = 0;
    WeightOffset weights = 0;
    double eps = 0;
};

struct HeadStep {
    HeadOrder order = HeadOrder::norm_pool;
    kernels::LinearLayout layout;
    WeightOffset norm_weight = 0;  // [channels]
    WeightOffset norm_bias = 0;    // [channels]
    WeightOffset bias = 0;
    WeightOffset weights = 0;
    double eps = 0;
};

// Reads one map and writes one (or the logits). Maps and statistics are numbered; the first step
// reads the image, which is the caller's, so its input is not numbered.
struct Step {
    std::string name;
    std::variant<ConvolutionStep, StatisticsStep, PoolMixStep, ChannelMlpStep, HeadStep> op;
    std::optional<std::size_t> input_map;
    std::optional<std::size_t> output_map;
    std::size_t in_channels = 0;
    std::size_t out_channels = 0;
    std::optional<std::size_t> input_stats;
    std::optional<std::size_t> output_stats;
    std::optional<std::size_t> tap;  // this step's output is that block's
};

struct Model {
    Description description;
    const kernels::KernelTable* kernels = nullptr;
    std::vector<Step> steps;
    std::size_t num_maps = 0;
    std::size_t num_stats = 0;
    std::vector<std::string> taps;        // names of the blocks, in execution order
    std::vector<std::size_t> stage_taps;  // the tap of each stage's last block
    std::size_t num_parameters = 0;
    std::string text;       // of model.json, for a compiled file
    AlignedBuffer weights;  // in execution order, so that prefetching runs ahead across steps

    const float* at(WeightOffset offset) const { return weights.data() + offset; }
};

}  // namespace pf
