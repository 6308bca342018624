// parse_description: model.json to a Description, in the order of the table in models/README.md.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/description.hpp"

#include <algorithm>

#include "engine/load/fields.hpp"
#include "engine/load/json.hpp"

namespace pf {
namespace {

constexpr std::size_t kMaxNesting = 16;
constexpr std::size_t kMaxClasses = 65536;
constexpr std::size_t kMaxJsonValues = kMaxClasses + 4096;  // labels, and everything else
constexpr std::size_t kMaxStages = 16;
constexpr std::size_t kMaxHiddenChannels = 65536;
constexpr double kSmallestDivisor = 1e-30;  // 1/std and 1/sqrt(eps) are floats, and finite

constexpr Named<NormKind> kNormKinds[] = {{"none", NormKind::none},
                                          {"group_norm", NormKind::group_norm},
                                          {"layer_norm", NormKind::layer_norm},
                                          {"batch_norm", NormKind::batch_norm}};
constexpr Named<TokenMixerKind> kTokenMixerKinds[] = {
    {"pool", TokenMixerKind::pool},
    {"identity", TokenMixerKind::identity},
    {"random_matrix", TokenMixerKind::random_matrix},
    {"depthwise_conv", TokenMixerKind::depthwise_conv},
    {"attention", TokenMixerKind::attention},
    {"spatial_fc", TokenMixerKind::spatial_fc}};
constexpr Named<ActivationKind> kActivationKinds[] = {{"gelu", ActivationKind::gelu},
                                                      {"relu", ActivationKind::relu},
                                                      {"silu", ActivationKind::silu},
                                                      {"star_relu", ActivationKind::star_relu}};
constexpr Named<HeadOrder> kHeadOrders[] = {{"norm_pool", HeadOrder::norm_pool},
                                            {"pool_norm", HeadOrder::pool_norm}};
constexpr Named<CropRounding> kCropRoundings[] = {{"half_even", CropRounding::half_even},
                                                  {"floor", CropRounding::floor}};
constexpr Named<const char*> kDialects[] = {{"timm", "timm"},
                                            {"transformers", "transformers"},
                                            {"sail-sg", "sail-sg"},
                                            {"poolformer.cpp", "poolformer.cpp"}};
constexpr Named<bool> kInterpolations[] = {{"bicubic", true}};

template <class T, std::size_t kCount>
std::string_view name_in(const Named<T> (&choices)[kCount], T value) {
    const auto* found = std::find_if(std::begin(choices), std::end(choices),
                                     [value](const Named<T>& each) { return each.value == value; });
    return found == std::end(choices) ? "unknown" : found->name;
}

std::string read_name(const FieldReader& field) {
    std::string name = field.text(128);
    if (name.empty()) field.refuse("a name of 1 to 128 bytes without control characters");
    return name;
}

void read_source(ObjectReader source, Description& description) {
    description.dialect = source.field("dialect").choice(kDialects);
    description.origin = source.field("origin").text(1024);
    source.refuse_unknown();
}

Input read_input(ObjectReader input) {
    Input result;
    result.height = input.field("height").integer(1, 4096);
    result.width = input.field("width").integer(1, 4096);
    ObjectReader resize = input.object("resize");
    const std::size_t crop = std::max(result.height, result.width);
    result.resize_shorter_side = resize.field("shorter_side").integer(crop, 8192);
    resize.field("interpolation").choice(kInterpolations);
    resize.refuse_unknown();
    result.crop_rounding = input.field("crop_rounding").choice(kCropRoundings);
    const auto mean = input.field("mean").array(kImageChannels, kImageChannels);
    const auto std = input.field("std").array(kImageChannels, kImageChannels);
    for (std::size_t c = 0; c < mean.size(); ++c) result.mean[c] = mean[c].number(0, 1);
    for (std::size_t c = 0; c < std.size(); ++c) result.std[c] = std[c].number(kSmallestDivisor, 1);
    input.refuse_unknown();
    return result;
}

PatchEmbedding read_patch_embedding(ObjectReader embedding) {
    PatchEmbedding result;
    result.kernel = embedding.field("kernel").integer(1, 64);
    result.stride = embedding.field("stride").integer(1, 64);
    const std::size_t max_padding = std::max<std::size_t>(result.kernel, 1) - 1;
    result.padding = embedding.field("padding").integer(0, max_padding);
    embedding.refuse_unknown();
    return result;
}

std::size_t read_window(const FieldReader& field) {
    const std::size_t size = field.integer(1, 63);
    if (size % 2 == 0) field.refuse("an odd integer from 1 to 63");
    return size;
}

TokenMixer read_token_mixer(ObjectReader mixer) {
    TokenMixer result;
    result.kind = mixer.field("kind").choice(kTokenMixerKinds);
    if (result.kind == TokenMixerKind::pool || result.kind == TokenMixerKind::depthwise_conv) {
        result.size = read_window(mixer.field("size"));
    }
    if (result.kind == TokenMixerKind::attention) {
        result.size = mixer.field("head_width").integer(1, 16384);
    }
    mixer.refuse_unknown();
    return result;
}

Norm read_norm(ObjectReader norm) {
    Norm result;
    result.kind = norm.field("kind").choice(kNormKinds);
    if (result.kind == NormKind::none) {
        result.has_weight = result.has_bias = false;
    } else {
        result.eps = norm.field("eps").number(kSmallestDivisor, 1);
        result.has_weight = norm.field("weight").boolean();
        result.has_bias = norm.field("bias").boolean();
    }
    norm.refuse_unknown();
    return result;
}

Mlp read_mlp(ObjectReader mlp, std::size_t channels) {
    Mlp result;
    const FieldReader ratio = mlp.field("ratio");
    result.ratio = ratio.integer(1, 16);
    if (channels * result.ratio > kMaxHiddenChannels) {
        ratio.refuse("channels * ratio to be at most " + std::to_string(kMaxHiddenChannels) +
                     " (channels: " + std::to_string(channels) + ")");
    }
    result.activation = mlp.field("activation").choice(kActivationKinds);
    result.has_bias = mlp.field("bias").boolean();
    mlp.refuse_unknown();
    return result;
}

Stage read_stage(ObjectReader stage) {
    Stage result;
    result.depth = stage.field("depth").integer(1, 256);
    result.channels = stage.field("channels").integer(1, 16384);
    result.token_mixer = read_token_mixer(stage.object("token_mixer"));
    result.norm = read_norm(stage.object("norm"));
    result.mlp = read_mlp(stage.object("mlp"), result.channels);
    result.has_layer_scale = stage.field("layer_scale").boolean();
    result.has_residual_scale = stage.field("residual_scale").boolean();
    result.has_position_embedding = stage.field("position_embedding").boolean();
    stage.refuse_unknown();
    return result;
}

// One patch embedding per stage: the stages are read first, so that their number counts.
void read_stages(ObjectReader& root, Description& description) {
    for (const FieldReader& stage : root.field("stages").array(1, kMaxStages)) {
        description.stages.push_back(read_stage(ObjectReader(stage)));
    }
    const std::size_t count = description.stages.size();
    for (const FieldReader& embedding : root.field("patch_embeddings").array(count, count)) {
        description.patch_embeddings.push_back(read_patch_embedding(ObjectReader(embedding)));
    }
}

Head read_head(ObjectReader head) {
    Head result;
    result.order = head.field("order").choice(kHeadOrders);
    result.norm = read_norm(head.object("norm"));
    result.classes = head.field("classes").integer(1, kMaxClasses);
    head.refuse_unknown();
    return result;
}

std::vector<std::string> read_labels(const FieldReader& field, std::size_t classes) {
    std::vector<std::string> labels;
    const auto items = field.array(0, classes);
    if (!items.empty() && items.size() != classes) {
        field.refuse("one label per class (" + std::to_string(classes) + ") or none");
    }
    for (const FieldReader& item : items) labels.push_back(item.text(512));
    return labels;
}

}  // namespace

std::string_view name_of(NormKind kind) {
    return name_in(kNormKinds, kind);
}

std::string_view name_of(TokenMixerKind kind) {
    return name_in(kTokenMixerKinds, kind);
}

std::string_view name_of(ActivationKind kind) {
    return name_in(kActivationKinds, kind);
}

std::string_view name_of(HeadOrder order) {
    return name_in(kHeadOrders, order);
}

std::string_view name_of(CropRounding rounding) {
    return name_in(kCropRoundings, rounding);
}

Result<Description> parse_description(std::string_view text, const std::string& file) {
    const Result<JsonValue> document =
        parse_json(text, file, {kMaxDescriptionBytes, kMaxNesting, kMaxJsonValues});
    if (!document) return document.error();

    FirstError errors(file);
    ObjectReader root(FieldReader(&*document, "", errors));
    root.field("schema_version").integer(1, 1);
    Description description;
    description.name = read_name(root.field("name"));
    read_source(root.object("source"), description);
    description.input = read_input(root.object("input"));
    read_stages(root, description);
    description.head = read_head(root.object("head"));
    description.labels = read_labels(root.field("labels"), description.head.classes);
    root.refuse_unknown();
    if (errors.is_set()) return errors.status().error();
    return description;
}

}  // namespace pf
