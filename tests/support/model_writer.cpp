// Writes model folders: a Description as model.json, tensors as model.safetensors.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/model_writer.hpp"

#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>

#include "tests/support/safetensors_bytes.hpp"

namespace pf::test {
namespace {

using Json = nlohmann::ordered_json;

const char* json_name(NormKind kind) {
    switch (kind) {
        case NormKind::none:
            return "none";
        case NormKind::group_norm:
            return "group_norm";
        case NormKind::layer_norm:
            return "layer_norm";
        case NormKind::batch_norm:
            return "batch_norm";
    }
    throw std::logic_error("norm kind");
}

const char* json_name(TokenMixerKind kind) {
    switch (kind) {
        case TokenMixerKind::pool:
            return "pool";
        case TokenMixerKind::identity:
            return "identity";
        case TokenMixerKind::random_matrix:
            return "random_matrix";
        case TokenMixerKind::depthwise_conv:
            return "depthwise_conv";
        case TokenMixerKind::attention:
            return "attention";
        case TokenMixerKind::spatial_fc:
            return "spatial_fc";
    }
    throw std::logic_error("token mixer kind");
}

const char* json_name(ActivationKind kind) {
    switch (kind) {
        case ActivationKind::gelu:
            return "gelu";
        case ActivationKind::relu:
            return "relu";
        case ActivationKind::silu:
            return "silu";
        case ActivationKind::star_relu:
            return "star_relu";
    }
    throw std::logic_error("activation kind");
}

Json to_json(const Norm& norm) {
    Json json = {{"kind", json_name(norm.kind)}};
    if (norm.kind == NormKind::none) return json;
    json["eps"] = norm.eps;
    json["weight"] = norm.has_weight;
    json["bias"] = norm.has_bias;
    return json;
}

Json to_json(const TokenMixer& mixer) {
    Json json = {{"kind", json_name(mixer.kind)}};
    if (mixer.kind == TokenMixerKind::attention) json["head_width"] = mixer.size;
    if (mixer.kind == TokenMixerKind::pool || mixer.kind == TokenMixerKind::depthwise_conv) {
        json["size"] = mixer.size;
    }
    return json;
}

Json to_json(const Input& input) {
    const bool half_even = input.crop_rounding == CropRounding::half_even;
    return {{"height", input.height},
            {"width", input.width},
            {"resize", {{"shorter_side", input.resize_shorter_side}, {"interpolation", "bicubic"}}},
            {"crop_rounding", half_even ? "half_even" : "floor"},
            {"mean", input.mean},
            {"std", input.std}};
}

Json to_json(const Stage& stage) {
    return {{"depth", stage.depth},
            {"channels", stage.channels},
            {"token_mixer", to_json(stage.token_mixer)},
            {"norm", to_json(stage.norm)},
            {"mlp",
             {{"ratio", stage.mlp.ratio},
              {"activation", json_name(stage.mlp.activation)},
              {"bias", stage.mlp.has_bias}}},
            {"layer_scale", stage.has_layer_scale},
            {"residual_scale", stage.has_residual_scale},
            {"position_embedding", stage.has_position_embedding}};
}

}  // namespace

std::string model_json(const Description& description) {
    Json json = {{"schema_version", 1},
                 {"name", description.name},
                 {"source", {{"dialect", description.dialect}, {"origin", description.origin}}},
                 {"input", to_json(description.input)}};
    json["patch_embeddings"] = Json::array();
    for (const PatchEmbedding& each : description.patch_embeddings) {
        json["patch_embeddings"].push_back(
            {{"kernel", each.kernel}, {"stride", each.stride}, {"padding", each.padding}});
    }
    json["stages"] = Json::array();
    for (const Stage& stage : description.stages) json["stages"].push_back(to_json(stage));
    const bool pool_norm = description.head.order == HeadOrder::pool_norm;
    json["head"] = {{"order", pool_norm ? "pool_norm" : "norm_pool"},
                    {"norm", to_json(description.head.norm)},
                    {"classes", description.head.classes}};
    json["labels"] = description.labels;
    return json.dump(2);
}

std::vector<std::byte> safetensors_bytes(const TensorMap& tensors) {
    SafetensorsBytes file;
    for (const auto& [name, tensor] : tensors) {
        file.add(name, "F32", tensor.shape, std::as_bytes(std::span(tensor.values)));
    }
    return file.bytes();
}

void write_model(const TemporaryFolder& folder, const Description& description,
                 const TensorMap& tensors) {
    folder.write("model.json", model_json(description));
    folder.write("model.safetensors", safetensors_bytes(tensors));
}

}  // namespace pf::test
