// interpret: running a whole graph, its taps, and the inputs it refuses.
// SPDX-License-Identifier: Apache-2.0
#include "engine/interpret/interpret.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"
#include "tests/support/tiny_models.hpp"

using namespace pf;
using namespace pf::test;

namespace {

std::string refusal(const Graph& graph, const Map& input) {
    const Result<Interpretation> result = interpret(graph, input);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::invalid_argument);
    return result.error().message;
}

}  // namespace

TEST_CASE("interpret: values flow by name, not by position") {
    GraphMaker make;
    const Value x = make.input(1);
    const Value doubled = make.add(x, x);
    const Value pooled = make.pool(x);
    make.subtract(doubled, pooled);
    const Result<Interpretation> result = interpret(make.graph(), {1, 1, 3, {1, 2, 6}});
    REQUIRE(result);
    CHECK(result->output.data == Vector{0.5, 1, 8});
}

TEST_CASE("interpret: taps hold the values they name, also the output and one value twice") {
    GraphMaker make;
    const Value x = make.input(1);
    const Value doubled = make.add(x, x);
    const Value last = make.subtract(doubled, make.pool(doubled));
    make.tap("first", doubled);
    make.tap("again", doubled);
    make.tap("last", last);
    const Result<Interpretation> result = interpret(make.graph(), {1, 1, 2, {1, 3}});
    REQUIRE(result);
    CHECK(result->taps.at("first").data == Vector{2, 6});
    CHECK(result->taps.at("again").data == Vector{2, 6});
    CHECK(result->taps.at("last").data == Vector{-2, 2});
    CHECK(result->output.data == Vector{-2, 2});
}

TEST_CASE("interpret: attached statistics are those of the node's output") {
    GraphMaker make;
    const Value x = make.input(1);
    const Value stats = make.add_node(NormStats{0}, {x});
    const Value mixed = make.add_node(PoolMix{{0}}, {x, stats});  // scale 0: mixed = x
    Graph& graph = make.graph();
    const Value attached = graph.next_value++;
    graph.nodes.back().stats = AttachedStats{attached, 3};
    make.add_node(PoolMix{{4}}, {mixed, attached});
    const Result<Interpretation> result = interpret(graph, {1, 1, 2, {1, 3}});
    REQUIRE(result);
    CHECK(result->output.data == Vector{3, 1});  // rstd = 1 / sqrt(1 + 3), pool = 2
}

TEST_CASE("interpret: refuses an image of other channels, or of other numbers than its size") {
    const LoadedModel model = tiny_model();
    const Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    CHECK(refusal(*graph, hash_map(4, 32, 32)).find("expected 3 channels") != std::string::npos);
    Map truncated = hash_map(3, 32, 32);
    truncated.data.pop_back();
    CHECK(refusal(*graph, truncated).find("3071 numbers") != std::string::npos);
}

TEST_CASE("interpret: refuses an image that is too small, naming the convolution") {
    const LoadedModel model = tiny_model();
    Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    for (int is_fused = 0; is_fused < 2; ++is_fused) {
        CHECK(interpret(*graph, hash_map(3, 3, 3)));
        CHECK(refusal(*graph, hash_map(3, 2, 40)) ==
              "convolution \"embed.0\" has no output: its 7x7 window with padding 2 does not fit "
              "its 2x40 input; give a larger image");
        CHECK(refusal(*graph, hash_map(3, 0, 0)).find("embed.0") != std::string::npos);
        fuse(*graph);
    }
}

TEST_CASE("interpret: a NaN in the image makes every logit NaN, before and after fusion") {
    const LoadedModel model = tiny_model();
    Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    Map image = hash_map(3, 32, 32);
    image.data[100] = std::numeric_limits<double>::quiet_NaN();
    for (int is_fused = 0; is_fused < 2; ++is_fused) {
        const Result<Interpretation> result = interpret(*graph, image);
        REQUIRE(result);
        for (const double logit : result->output.data) CHECK(std::isnan(logit));
        fuse(*graph);
    }
}
