// Graph and operations: values, users, channels, matrices, names.
// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/graph.hpp"

#include <doctest/doctest.h>

#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("Graph::add: values are new, nodes stand in order") {
    Graph graph;
    const Value x = graph.add("input", InputOp{3}, {});
    const Value y = graph.add("pool", Pool{3}, {x});
    CHECK(x != y);
    REQUIRE(graph.nodes.size() == 2);
    CHECK(graph.nodes[1].output == y);
    CHECK(graph.nodes[1].inputs == std::vector{x});
    CHECK(graph.next_value == 2);
}

TEST_CASE("Graph::is_read_after: by nodes that stand behind, not by the node itself, nor by taps") {
    GraphMaker make;
    const Value x = make.input(3);
    const Value doubled = make.add(x, x);
    make.add(doubled, x);
    make.tap("s0.b0", x);
    const Graph& graph = make.graph();
    CHECK(graph.is_read_after(graph.nodes[0], x));
    CHECK(graph.is_read_after(graph.nodes[1], x));
    CHECK_FALSE(graph.is_read_after(graph.nodes[2], x));
    CHECK(graph.is_read_after(graph.nodes[1], doubled));
    CHECK_FALSE(graph.is_read_after(graph.nodes[2], doubled));
}

TEST_CASE("count_channels: through every operation, and for attached statistics") {
    GraphMaker make;
    const Value x = make.conv2d(make.input(3), 8, {3, 2, 1});
    const Value wide = make.linear(make.group_norm(x), 32);
    make.add_node(NormStats{1e-5}, {wide});
    const Value pooled = make.global_mean(make.gelu(wide));
    const Value logits =
        make.add_node(HeadOp{HeadOrder::pool_norm, 1e-6, {make.matrix(5, 32), {}}}, {pooled});
    Graph& graph = make.graph();
    graph.nodes[1].stats = AttachedStats{graph.next_value++, 1e-5};

    const std::vector<std::size_t> channels = count_channels(graph);
    CHECK(channels.at(x) == 8);
    CHECK(channels.at(graph.nodes[1].stats->output) == 8);
    CHECK(channels.at(wide) == 32);
    CHECK(channels.at(pooled) == 32);
    CHECK(channels.at(logits) == 5);
}

TEST_CASE("Matrix: rows and columns are scaled without touching what is stored") {
    GraphMaker make;
    Matrix matrix = make.matrix(2, 3, {1, 2, 3, 4, 5, 6});
    CHECK(matrix.at(1, 0) == 4.0);
    matrix.scale_rows({10, 100});
    CHECK(matrix.at(0, 2) == 30.0);
    CHECK(matrix.at(1, 2) == 600.0);
    matrix.scale_columns({1, 2, 3});
    CHECK(matrix.at(1, 2) == 1800.0);
    matrix.scale_rows({0.5, 2});
    CHECK(matrix.at(0, 1) == 20.0);
    CHECK(matrix.at(1, 2) == 3600.0);
    CHECK(matrix.stored->value(5) == 6.0F);
}

TEST_CASE("convolved_size: as many windows as fit, none without room") {
    const PatchEmbedding stem{7, 4, 2};
    CHECK(convolved_size(stem, 224) == 56);
    CHECK(convolved_size(stem, 3) == 1);
    CHECK(convolved_size(stem, 2) == 0);
    CHECK(convolved_size(stem, 0) == 0);
    const PatchEmbedding down{3, 2, 1};
    CHECK(convolved_size(down, 56) == 28);
    CHECK(convolved_size(down, 7) == 4);
    CHECK(convolved_size(down, 1) == 1);
    CHECK(convolved_size({3, 1, 2}, 0) == 0);
}

TEST_CASE("op_name: first, last, and one in between") {
    CHECK(std::string(op_name(InputOp{})) == "input");
    CHECK(std::string(op_name(Linear{})) == "linear");
    CHECK(std::string(op_name(PoolMix{})) == "pool_mix");
    CHECK(std::string(op_name(HeadOp{})) == "head");
}
