// Whole networks: every pass keeps output and taps, and a PoolFormer fuses to exactly its steps.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/passes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/support/graph_checks.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/tiny_models.hpp"

using namespace pf;
using namespace pf::test;

namespace {

// Runs every pass in order; each must keep output and taps for this image. Returns what is left.
std::string fuse_step_by_step(const Description& description, const Weights& weights,
                              std::size_t height, std::size_t width) {
    Result<Graph> graph = build_graph(description, weights);
    REQUIRE(graph);
    const Map image = hash_map(3, height, width);
    const Result<Interpretation> before = interpret(*graph, image);
    REQUIRE(before);
    CHECK(before->taps.size() == graph->taps.size());
    for (const Pass& pass : passes()) {
        INFO(pass.name);
        CHECK(change_by(pass.run, *graph, image) < kPassTolerance);
    }
    const Result<Interpretation> after = interpret(*graph, image);
    REQUIRE(after);
    CHECK(relative_difference(*before, *after) < kPassTolerance);
    return op_names(*graph);
}

std::string fuse_step_by_step(const Description& description) {
    const Weights weights = hash_loaded_weights(description, 3);
    return fuse_step_by_step(description, weights, 29, 33);
}

// One stage of one block.
Description one_block() {
    TinyModel options;
    options.depths = {1};
    options.channels = {6};
    return tiny_description(options);
}

}  // namespace

TEST_CASE("passes: every pass keeps a PoolFormer's numbers, and the fused list is exact") {
    const MapSize sizes[] = {{32, 32}, {37, 23}, {3, 50}, {3, 3}};
    for (const HeadOrder order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        for (const bool has_layer_scale : {true, false}) {
            TinyModel options;
            options.head_order = order;
            options.has_layer_scale = has_layer_scale;
            const LoadedModel model = tiny_model(options);
            for (const MapSize& size : sizes) {
                CAPTURE(size.height);
                CAPTURE(size.width);
                CHECK(
                    fuse_step_by_step(model.description, model.weights, size.height, size.width) ==
                    "input conv2d norm_stats pool_mix channel_mlp "
                    "conv2d norm_stats pool_mix channel_mlp pool_mix channel_mlp head");
            }
        }
    }
}

TEST_CASE("fuse: statistics are attached exactly where a later node reads them") {
    for (const HeadOrder order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        TinyModel options;
        options.depths = {2, 1, 1};
        options.channels = {8, 12, 20};
        options.head_order = order;
        const LoadedModel model = tiny_model(options);
        Result<Graph> graph = build_graph(model.description, model.weights);
        REQUIRE(graph);
        fuse(*graph);

        std::set<Value> read;
        for (const Node& node : graph->nodes) read.insert(node.inputs.begin(), node.inputs.end());
        std::string attached;  // one letter for each fused node, in order
        for (const Node& node : graph->nodes) {
            if (node.stats) CHECK(read.count(node.stats->output) == 1);
            const bool is_fused = std::holds_alternative<PoolMix>(node.op) ||
                                  std::holds_alternative<ChannelMlp>(node.op);
            if (is_fused) attached += node.stats ? 'y' : 'n';
            if (!is_fused) CHECK_FALSE(node.stats.has_value());
        }
        // Mixers always; an MLP unless a convolution, or a head that pools first, comes next.
        CHECK(attached == (order == HeadOrder::norm_pool ? "yyyn"
                                                           "yn"
                                                           "yy"
                                                         : "yyyn"
                                                           "yn"
                                                           "yn"));
    }
}

TEST_CASE("fuse: fused nodes are named beside those they replace") {
    const LoadedModel model = tiny_model();
    Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    fuse(*graph);
    std::string names;
    for (const Node& node : graph->nodes) names += node.name + " ";
    CHECK(names ==
          "input embed.0 s0.b0.norm1 s0.b0.pool_mix s0.b0.channel_mlp "
          "embed.1 s1.b0.norm1 s1.b0.pool_mix s1.b0.channel_mlp s1.b1.pool_mix s1.b1.channel_mlp "
          "head ");
    for (const Tap& tap : graph->taps) {
        CHECK(std::any_of(graph->nodes.begin(), graph->nodes.end(),
                          [&](const Node& node) { return node.output == tap.value; }));
    }
}

TEST_CASE("passes: networks that fuse only in part keep their numbers") {
    Description description = one_block();
    Stage& stage = description.stages[0];
    SUBCASE("pool 5") {
        stage.token_mixer.size = 5;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d group_norm pool subtract scale add norm_stats channel_mlp head");
    }
    SUBCASE("identity mixer") {
        stage.token_mixer = {TokenMixerKind::identity, 0};
        CHECK(fuse_step_by_step(description) ==
              "input conv2d group_norm scale add norm_stats channel_mlp head");
    }
    SUBCASE("identity mixer without norm") {
        stage.token_mixer = {TokenMixerKind::identity, 0};
        stage.norm.kind = NormKind::none;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d scale add linear activation linear add norm_stats head");
    }
    SUBCASE("no norm") {
        stage.norm.kind = NormKind::none;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d pool subtract scale add linear activation linear add norm_stats head");
    }
    SUBCASE("layer_norm") {
        stage.norm.kind = NormKind::layer_norm;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d layer_norm pool subtract scale add layer_norm linear activation linear "
              "add norm_stats head");
    }
    SUBCASE("batch_norm") {
        stage.norm.kind = NormKind::batch_norm;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d batch_norm pool subtract scale add linear activation linear add "
              "norm_stats head");
    }
    SUBCASE("batch_norm in a head that pools first") {
        description.head.order = HeadOrder::pool_norm;
        description.head.norm.kind = NormKind::batch_norm;
        CHECK(fuse_step_by_step(description) ==
              "input conv2d norm_stats pool_mix channel_mlp global_mean linear");
    }
}

TEST_CASE("passes: parameters that may be missing and other activations fuse as well") {
    Description description = one_block();
    Stage& stage = description.stages[0];
    SUBCASE("norm without bias") {
        stage.norm.has_bias = false;
    }
    SUBCASE("norm without weight and bias") {
        stage.norm.has_weight = stage.norm.has_bias = false;
    }
    SUBCASE("norm without weight, no layer scale") {
        stage.norm.has_weight = stage.norm.has_bias = stage.has_layer_scale = false;
    }
    SUBCASE("mlp without bias") {
        stage.mlp.has_bias = false;
    }
    SUBCASE("mlp ratio 3") {
        stage.mlp.ratio = 3;
    }
    SUBCASE("relu") {
        stage.mlp.activation = ActivationKind::relu;
    }
    SUBCASE("silu") {
        stage.mlp.activation = ActivationKind::silu;
    }
    SUBCASE("group_norm on the pooled vector") {
        description.head.order = HeadOrder::pool_norm;
        description.head.norm = {NormKind::group_norm, 1e-5, true, true};
        CHECK(fuse_step_by_step(description) ==
              "input conv2d norm_stats pool_mix channel_mlp head");
        return;
    }
    CHECK(fuse_step_by_step(description) == "input conv2d norm_stats pool_mix channel_mlp head");
}
