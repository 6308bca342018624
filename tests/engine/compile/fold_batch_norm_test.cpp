// conv2d or linear -> batch_norm, or batch_norm -> linear   becomes   one conv2d or linear
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("fold_batch_norm: conv2d -> batch_norm becomes conv2d") {
    GraphMaker make;
    make.batch_norm(make.conv2d(make.input(3), 5, {3, 2, 1}));
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 7, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input conv2d");
}

TEST_CASE("fold_batch_norm: linear -> batch_norm becomes linear, with or without a bias") {
    GraphMaker make;
    const Value x = make.input(3);
    const Value no_bias = make.add_node(Linear{make.matrix(4, 3), {}}, {x});
    make.add(make.batch_norm(make.linear(x, 4)), make.batch_norm(no_bias));
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 2, 3)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input linear linear add");
}

TEST_CASE("fold_batch_norm: batch_norm -> linear becomes linear, also beside a residual") {
    GraphMaker make;
    const Value x = make.input(4);
    make.add(x, make.linear(make.batch_norm(x), 4));
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(4, 3, 3)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input linear add");
}

TEST_CASE("fold_batch_norm: a norm between two linears is folded once") {
    GraphMaker make;
    make.linear(make.batch_norm(make.linear(make.input(3), 6)), 2);
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 2, 2)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input linear linear");
}

TEST_CASE("fold_batch_norm: a chain of norms behind a conv2d disappears") {
    GraphMaker make;
    make.batch_norm(make.batch_norm(make.conv2d(make.input(2), 3, {1, 1, 0})));
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(2, 2, 2)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input conv2d");
}

TEST_CASE("fold_batch_norm: a norm without weight and bias folds too") {
    GraphMaker make;
    const Value x = make.conv2d(make.input(2), 3, {3, 1, 1});
    make.add_node(BatchNorm{1e-5, {}, {}, make.vector(3), make.factors(3)}, {x});
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(2, 4, 4)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input conv2d");
}

TEST_CASE("fold_batch_norm: not batch_norm -> conv2d, whose padding stands behind the norm") {
    GraphMaker make;
    make.conv2d(make.batch_norm(make.input(3)), 5, {3, 1, 1});
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 4, 4)) == 0.0);
    CHECK(op_names(make.graph()) == "input batch_norm conv2d");
}

TEST_CASE("fold_batch_norm: not when another node reads what stands between") {
    GraphMaker make;
    const Value x = make.conv2d(make.input(3), 4, {1, 1, 0});
    make.add(x, make.batch_norm(x));
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 3, 3)) == 0.0);
    CHECK(op_names(make.graph()) == "input conv2d batch_norm add");

    GraphMaker other;
    const Value norm = other.batch_norm(other.input(3));
    other.add(norm, other.linear(norm, 3));
    CHECK(change_by(fold_batch_norm, other.graph(), hash_map(3, 3, 3)) == 0.0);
    CHECK(op_names(other.graph()) == "input batch_norm linear add");
}

TEST_CASE("fold_batch_norm: not when a tap names what stands between") {
    GraphMaker make;
    const Value x = make.conv2d(make.input(3), 4, {1, 1, 0});
    make.tap("s0.b0", x);
    make.batch_norm(x);
    CHECK(change_by(fold_batch_norm, make.graph(), hash_map(3, 3, 3)) == 0.0);
    CHECK(op_names(make.graph()) == "input conv2d batch_norm");
}
