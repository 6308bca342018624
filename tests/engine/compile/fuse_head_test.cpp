// group_norm -> global_mean -> linear   becomes   norm_stats -> head (norm_pool)
// SPDX-License-Identifier: Apache-2.0
// global_mean -> group_norm or layer_norm -> linear   becomes   head (pool_norm)
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("fuse_head: group_norm -> global_mean -> linear becomes norm_stats -> head") {
    GraphMaker make;
    make.linear(make.global_mean(make.group_norm(make.input(6))), 10);
    CHECK(change_by(fuse_head, make.graph(), hash_map(6, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats head");
    CHECK(std::get<HeadOp>(make.graph().nodes.back().op).order == HeadOrder::norm_pool);
}

TEST_CASE("fuse_head: global_mean -> layer_norm -> linear becomes head") {
    GraphMaker make;
    make.linear(make.layer_norm(make.global_mean(make.input(6))), 10);
    CHECK(change_by(fuse_head, make.graph(), hash_map(6, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input head");
    CHECK(std::get<HeadOp>(make.graph().nodes.back().op).order == HeadOrder::pool_norm);
}

TEST_CASE("fuse_head: global_mean -> group_norm -> linear becomes head") {
    GraphMaker make;
    make.linear(make.group_norm(make.global_mean(make.input(6))), 10);
    CHECK(change_by(fuse_head, make.graph(), hash_map(6, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input head");
    CHECK(std::get<HeadOp>(make.graph().nodes.back().op).eps == 1e-5);
}

TEST_CASE("fuse_head: the norm's weight and bias may be missing") {
    GraphMaker make;
    const Value norm = make.add_node(GroupNorm{1e-5, {}, {}}, {make.input(6)});
    make.add_node(Linear{make.matrix(10, 6), {}}, {make.global_mean(norm)});
    CHECK(change_by(fuse_head, make.graph(), hash_map(6, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats head");
}

TEST_CASE("fuse_head: not a layer_norm or batch_norm before the mean, nor no norm") {
    GraphMaker layer;
    layer.linear(layer.global_mean(layer.layer_norm(layer.input(6))), 10);
    CHECK(change_by(fuse_head, layer.graph(), hash_map(6, 3, 5)) == 0.0);
    CHECK(op_names(layer.graph()) == "input layer_norm global_mean linear");

    GraphMaker batch;
    batch.linear(batch.global_mean(batch.batch_norm(batch.input(6))), 10);
    CHECK(change_by(fuse_head, batch.graph(), hash_map(6, 3, 5)) == 0.0);
    CHECK(op_names(batch.graph()) == "input batch_norm global_mean linear");

    GraphMaker none;
    none.linear(none.global_mean(none.input(6)), 10);
    CHECK(change_by(fuse_head, none.graph(), hash_map(6, 3, 5)) == 0.0);
    CHECK(op_names(none.graph()) == "input global_mean linear");
}

TEST_CASE("fuse_head: not when a tap names what stands between") {
    for (std::size_t node = 1; node <= 2; ++node) {
        CAPTURE(node);
        GraphMaker norm_pool;
        norm_pool.linear(norm_pool.global_mean(norm_pool.group_norm(norm_pool.input(6))), 10);
        norm_pool.tap("between", norm_pool.graph().nodes[node].output);
        CHECK(change_by(fuse_head, norm_pool.graph(), hash_map(6, 3, 5)) == 0.0);
        CHECK(op_names(norm_pool.graph()) == "input group_norm global_mean linear");

        GraphMaker pool_norm;
        pool_norm.linear(pool_norm.layer_norm(pool_norm.global_mean(pool_norm.input(6))), 10);
        pool_norm.tap("between", pool_norm.graph().nodes[node].output);
        CHECK(change_by(fuse_head, pool_norm.graph(), hash_map(6, 3, 5)) == 0.0);
        CHECK(op_names(pool_norm.graph()) == "input global_mean layer_norm linear");
    }
}
