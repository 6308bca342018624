// build_graph: the nodes of a network, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/graph/graph.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/tiny_models.hpp"

using namespace pf;
using namespace pf::test;

namespace {

Description one_block() {
    TinyModel options;
    options.depths = {1};
    options.channels = {6};
    return tiny_description(options);
}

std::string built_ops(const Description& description) {
    const Weights weights = hash_loaded_weights(description, 1);
    const Result<Graph> graph = build_graph(description, weights);
    REQUIRE(graph);
    return op_names(*graph);
}

// The message of a refusal; which weights there are does not matter.
std::string refusal(const Description& description) {
    const Result<Graph> graph = build_graph(description, tiny_model().weights);
    REQUIRE_FALSE(graph);
    CHECK(graph.error().code == ErrorCode::unsupported);
    return graph.error().message;
}

const Node& node_named(const Graph& graph, const std::string& name) {
    for (const Node& node : graph.nodes) {
        if (node.name == name) return node;
    }
    FAIL("no node " << name);
    return graph.nodes.front();
}

}  // namespace

TEST_CASE("build_graph: a block as the paper draws it") {
    CHECK(built_ops(one_block()) ==
          "input conv2d "
          "group_norm pool subtract scale add "
          "group_norm linear activation linear scale add "
          "group_norm global_mean linear");
}

TEST_CASE("build_graph: names, taps, and values in order") {
    const LoadedModel model = tiny_model();
    const Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    std::string names;
    for (const Node& node : graph->nodes) names += node.name + " ";
    CHECK(names.starts_with(
        "input embed.0 s0.b0.norm1 s0.b0.pool s0.b0.subtract s0.b0.ls1 s0.b0.add1 s0.b0.norm2 "
        "s0.b0.fc1 s0.b0.act s0.b0.fc2 s0.b0.ls2 s0.b0.add2 embed.1 s1.b0.norm1 "));
    CHECK(names.ends_with("s1.b1.add2 final_norm mean fc "));

    REQUIRE(graph->taps.size() == 3);
    CHECK(graph->taps[0].name == "s0.b0");
    CHECK(graph->taps[2].name == "s1.b1");
    CHECK(graph->taps[2].value == node_named(*graph, "s1.b1.add2").output);
    for (const Node& node : graph->nodes) {
        for (const Value input : node.inputs) CHECK(input < node.output);
    }
}

TEST_CASE("build_graph: parameters are those of the weights") {
    const LoadedModel model = tiny_model();
    const Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    const auto& conv = std::get<Conv2d>(node_named(*graph, "embed.1").op);
    CHECK(conv.in_channels == 8);
    CHECK(conv.weight.rows == 16);
    CHECK(conv.weight.columns == 8 * 3 * 3);
    CHECK(conv.window.stride == 2);
    CHECK(conv.weight.stored == &model.weights.at("embed.1.weight"));
    CHECK(conv.bias.at(15) == model.weights.at("embed.1.bias").value(15));

    const auto& norm = std::get<GroupNorm>(node_named(*graph, "s1.b0.norm2").op);
    CHECK(norm.eps == 1e-5);
    CHECK(norm.weight.at(3) == model.weights.at("s1.b0.norm2.weight").value(3));
    CHECK(norm.bias.at(3) == model.weights.at("s1.b0.norm2.bias").value(3));
    const auto& fc1 = std::get<Linear>(node_named(*graph, "s0.b0.fc1").op);
    CHECK(fc1.weight.rows == 32);
    CHECK(fc1.weight.columns == 8);
    CHECK(fc1.weight.at(2, 5) == model.weights.at("s0.b0.fc1.weight").value(2 * 8 + 5));
    const auto& scale = std::get<Scale>(node_named(*graph, "s0.b0.ls2").op);
    CHECK(scale.factor.at(7) == model.weights.at("s0.b0.ls2").value(7));
}

TEST_CASE("build_graph: what a description leaves out has no node") {
    Description description = one_block();
    Stage& stage = description.stages[0];
    SUBCASE("layer scale") {
        stage.has_layer_scale = false;
        CHECK(built_ops(description) ==
              "input conv2d group_norm pool subtract add group_norm linear activation linear add "
              "group_norm global_mean linear");
    }
    SUBCASE("norms") {
        stage.norm.kind = description.head.norm.kind = NormKind::none;
        CHECK(built_ops(description) ==
              "input conv2d pool subtract scale add linear activation linear scale add "
              "global_mean linear");
    }
    SUBCASE("pool, for the identity mixer") {
        stage.token_mixer = {TokenMixerKind::identity, 0};
        CHECK(built_ops(description) ==
              "input conv2d group_norm scale add group_norm linear activation linear scale add "
              "group_norm global_mean linear");
    }
    SUBCASE("everything that may be") {
        stage.token_mixer = {TokenMixerKind::identity, 0};
        stage.norm.kind = description.head.norm.kind = NormKind::none;
        stage.has_layer_scale = stage.mlp.has_bias = false;
        CHECK(built_ops(description) ==
              "input conv2d add linear activation linear add global_mean linear");
    }
}

TEST_CASE("build_graph: other norms, and a head that pools first") {
    Description description = one_block();
    description.stages[0].norm.kind = NormKind::batch_norm;
    description.head.order = HeadOrder::pool_norm;
    description.head.norm = {NormKind::layer_norm, 1e-6, true, false};
    CHECK(built_ops(description) ==
          "input conv2d batch_norm pool subtract scale add batch_norm linear activation linear "
          "scale add global_mean layer_norm linear");
}

TEST_CASE("build_graph: refuses by field what the engine cannot run") {
    Description description = tiny_description();
    Stage& stage = description.stages[1];
    SUBCASE("attention") {
        stage.token_mixer = {TokenMixerKind::attention, 32};
        CHECK(refusal(description) ==
              "field \"stages[1].token_mixer.kind\": found \"attention\", expected \"pool\" or "
              "\"identity\": the engine runs no other (models/README.md, \"What runs today\")");
    }
    SUBCASE("random_matrix") {
        stage.token_mixer = {TokenMixerKind::random_matrix, 0};
        CHECK(refusal(description).find("\"random_matrix\"") != std::string::npos);
    }
    SUBCASE("depthwise_conv") {
        stage.token_mixer = {TokenMixerKind::depthwise_conv, 3};
        CHECK(refusal(description).find("\"depthwise_conv\"") != std::string::npos);
    }
    SUBCASE("spatial_fc") {
        stage.token_mixer = {TokenMixerKind::spatial_fc, 0};
        CHECK(refusal(description).find("\"spatial_fc\"") != std::string::npos);
    }
    SUBCASE("star_relu") {
        stage.mlp.activation = ActivationKind::star_relu;
        CHECK(
            refusal(description) ==
            "field \"stages[1].mlp.activation\": found \"star_relu\", expected \"gelu\", \"relu\" "
            "or \"silu\": the engine runs no other (models/README.md, \"What runs today\")");
    }
    SUBCASE("residual scale") {
        stage.has_residual_scale = true;
        CHECK(refusal(description) ==
              "field \"stages[1].residual_scale\": found true, expected false: the engine runs no "
              "other (models/README.md, \"What runs today\")");
    }
    SUBCASE("position embedding") {
        stage.has_position_embedding = true;
        CHECK(refusal(description) ==
              "field \"stages[1].position_embedding\": found true, expected false: the engine runs "
              "no other (models/README.md, \"What runs today\")");
    }
}
