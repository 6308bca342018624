// Description: what a network is, as model.json says it. Plain data; see models/README.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace pf {

inline constexpr std::size_t kImageChannels = 3;  // red, green, blue

enum class NormKind { none, group_norm, layer_norm, batch_norm };
enum class TokenMixerKind { pool, identity, random_matrix, depthwise_conv, attention, spatial_fc };
enum class ActivationKind { gelu, relu, silu, star_relu };
enum class HeadOrder { norm_pool, pool_norm };  // paper and transformers | timm (facts: two logits)
enum class CropRounding { half_even, floor };   // timm and sail-sg | transformers

// As model.json writes them.
std::string_view name_of(NormKind kind);
std::string_view name_of(TokenMixerKind kind);
std::string_view name_of(ActivationKind kind);
std::string_view name_of(HeadOrder order);
std::string_view name_of(CropRounding rounding);

// group_norm always has one group: mean and variance over channels, height and width of an image.
struct Norm {
    NormKind kind = NormKind::group_norm;
    double eps = 1e-5;
    bool has_weight = true;
    bool has_bias = true;
};

// How a photo becomes the input tensor: resize the shorter side, crop the centre, (v/255-mean)/std.
struct Input {
    std::size_t height = 0;  // pixels, after the crop
    std::size_t width = 0;
    std::size_t resize_shorter_side = 0;  // pixels, at least max(height, width)
    CropRounding crop_rounding = CropRounding::half_even;
    std::array<double, kImageChannels> mean{};  // RGB, of values in [0, 1]
    std::array<double, kImageChannels> std{};
};

// The convolution in front of a stage; [0] is the stem.
struct PatchEmbedding {
    std::size_t kernel = 0;
    std::size_t stride = 0;
    std::size_t padding = 0;
};

struct TokenMixer {
    TokenMixerKind kind = TokenMixerKind::pool;
    std::size_t size = 0;  // window of pool and depthwise_conv, head width of attention; else 0
};

struct Mlp {
    std::size_t ratio = 4;
    ActivationKind activation = ActivationKind::gelu;
    bool has_bias = true;
};

struct Stage {
    std::size_t depth = 0;
    std::size_t channels = 0;
    TokenMixer token_mixer;
    Norm norm;  // both norms of a block
    Mlp mlp;
    bool has_layer_scale = true;
    bool has_residual_scale = false;
    bool has_position_embedding = false;
};

struct Head {
    HeadOrder order = HeadOrder::norm_pool;
    Norm norm;
    std::size_t classes = 0;
};

struct Description {
    std::string name;
    std::string dialect;  // timm | transformers | sail-sg | poolformer.cpp
    std::string origin;   // free text: where the weights came from and who exported them
    Input input;
    std::vector<PatchEmbedding> patch_embeddings;  // one per stage
    std::vector<Stage> stages;
    Head head;
    std::vector<std::string> labels;  // one per class, or empty
};

inline constexpr std::size_t kMaxDescriptionBytes = std::size_t{16} << 20;

// Parses and checks model.json (schema version 1). `file` names it in errors. Refuses unknown,
// missing, duplicate or wrongly typed fields and sizes out of bounds; knows nothing of tensors.
Result<Description> parse_description(std::string_view text, const std::string& file);

// One tensor the description calls for, by its neutral name (models/README.md).
struct TensorSpec {
    std::string name;
    std::vector<std::size_t> shape;
};

// Every tensor that model.safetensors must hold, in execution order.
std::vector<TensorSpec> expected_tensors(const Description& description);

}  // namespace pf
