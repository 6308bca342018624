// Tests of parse_description: what it reads.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "engine/load/description.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

std::string documented_example() {
    std::ifstream file(PF_SOURCE_DIR "/models/README.md");
    std::stringstream text;
    text << file.rdbuf();
    const std::string readme = text.str();
    const std::string fence = "```json\n";
    const std::size_t begin = readme.find(fence) + fence.size();
    return readme.substr(begin, readme.find("```", begin) - begin);
}

void check_same(const Norm& a, const Norm& b) {
    CHECK(a.kind == b.kind);
    CHECK(a.eps == b.eps);
    CHECK(a.has_weight == b.has_weight);
    CHECK(a.has_bias == b.has_bias);
}

}  // namespace

TEST_CASE("parse_description: the example of models/README.md, with a patch embedding per stage") {
    auto json = nlohmann::json::parse(documented_example());
    json["stages"] = {json["stages"][0], json["stages"][0], json["stages"][0], json["stages"][0]};
    const auto parsed = parse_description(json.dump(), "model.json");
    REQUIRE(parsed);
    CHECK(parsed->name == "poolformer_s12");
    CHECK(parsed->dialect == "timm");
    CHECK(parsed->origin == "timm 1.0.31 poolformer_s12.sail_in1k");
    CHECK(parsed->input.height == 224);
    CHECK(parsed->input.width == 224);
    CHECK(parsed->input.resize_shorter_side == 248);
    CHECK(parsed->input.crop_rounding == CropRounding::half_even);
    CHECK(parsed->input.mean == std::array<double, 3>{0.485, 0.456, 0.406});
    CHECK(parsed->input.std == std::array<double, 3>{0.229, 0.224, 0.225});
    REQUIRE(parsed->patch_embeddings.size() == 4);
    CHECK(parsed->patch_embeddings[0].kernel == 7);
    CHECK(parsed->patch_embeddings[0].stride == 4);
    CHECK(parsed->patch_embeddings[0].padding == 2);
    REQUIRE(parsed->stages.size() == 4);
    CHECK(parsed->stages[3].depth == 2);
    CHECK(parsed->stages[3].channels == 64);
    CHECK(parsed->stages[3].token_mixer.kind == TokenMixerKind::pool);
    CHECK(parsed->stages[3].token_mixer.size == 3);
    check_same(parsed->stages[3].norm, {NormKind::group_norm, 1e-5, true, true});
    CHECK(parsed->stages[3].mlp.ratio == 4);
    CHECK(parsed->stages[3].mlp.activation == ActivationKind::gelu);
    CHECK(parsed->stages[3].mlp.has_bias);
    CHECK(parsed->stages[3].has_layer_scale);
    CHECK_FALSE(parsed->stages[3].has_residual_scale);
    CHECK_FALSE(parsed->stages[3].has_position_embedding);
    CHECK(parsed->head.order == HeadOrder::pool_norm);
    check_same(parsed->head.norm, {NormKind::layer_norm, 1e-6, true, true});
    CHECK(parsed->head.classes == 1000);
    CHECK(parsed->labels.empty());
}

TEST_CASE("parse_description: every value of every choice survives writing and reading") {
    const TokenMixer mixers[] = {
        {TokenMixerKind::pool, 5},           {TokenMixerKind::identity, 0},
        {TokenMixerKind::random_matrix, 0},  {TokenMixerKind::attention, 32},
        {TokenMixerKind::depthwise_conv, 7}, {TokenMixerKind::spatial_fc, 0}};
    const NormKind norms[] = {NormKind::group_norm, NormKind::layer_norm, NormKind::batch_norm};
    const ActivationKind activations[] = {ActivationKind::gelu, ActivationKind::relu,
                                          ActivationKind::silu, ActivationKind::star_relu};
    const char* const dialects[] = {"timm", "transformers", "sail-sg", "poolformer.cpp"};
    for (std::size_t i = 0; i < 6; ++i) {
        Description description = tiny_description();
        description.dialect = dialects[i % 4];
        description.input.crop_rounding = i % 2 ? CropRounding::floor : CropRounding::half_even;
        description.input.width = 48;
        description.input.resize_shorter_side = 50;
        Stage& stage = description.stages[1];
        stage.token_mixer = mixers[i];
        stage.norm = {norms[i % 3], 1e-4, i % 2 == 0, i % 3 == 0};
        stage.mlp = {1 + i, activations[i % 4], i % 2 == 1};
        stage.has_layer_scale = i % 2 == 0;
        stage.has_residual_scale = i % 3 == 0;
        stage.has_position_embedding = i % 3 == 1;
        description.head.order = i % 2 ? HeadOrder::pool_norm : HeadOrder::norm_pool;
        description.labels = {"a", "b", "c", "d", "\xc3\xa9t\xc3\xa9"};

        const std::string text = model_json(description);
        const auto parsed = parse_description(text, "model.json");
        REQUIRE(parsed);
        CHECK(parsed->stages[1].token_mixer.kind == stage.token_mixer.kind);
        CHECK(parsed->stages[1].token_mixer.size == stage.token_mixer.size);
        check_same(parsed->stages[1].norm, stage.norm);
        CHECK(parsed->labels == description.labels);
        CHECK(model_json(*parsed) == text);
    }
}

TEST_CASE("parse_description: a norm of kind none has no other key and no vectors") {
    Description description = tiny_description();
    description.stages[0].norm = {NormKind::none, 1e-5, false, false};
    const auto parsed = parse_description(model_json(description), "model.json");
    REQUIRE(parsed);
    check_same(parsed->stages[0].norm, description.stages[0].norm);
}

TEST_CASE("parse_description: the bounds themselves are accepted") {
    Description description = tiny_description();
    description.input = {4096, 4096, 8192, CropRounding::floor, {0, 1, 0.5}, {1, 1e-9, 1}};
    description.stages[0].depth = 256;
    description.stages[0].channels = 16384;
    description.stages[1].mlp.ratio = 16;
    description.stages[1].channels = 4096;
    description.stages[1].token_mixer.size = 63;
    description.patch_embeddings[0] = {64, 64, 63};
    description.head.classes = 65536;
    description.labels.assign(65536, "x");
    description.labels[1] = std::string(512, 'l');
    description.name = std::string(128, 'n');
    description.origin = std::string(1024, 'o');
    const auto parsed = parse_description(model_json(description), "model.json");
    REQUIRE(parsed);
    CHECK(parsed->stages[0].channels == 16384);
    CHECK(parsed->labels.size() == 65536);
}

}  // namespace pf::test
