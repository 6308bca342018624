// group_norm(weight, bias) -> linear   becomes   normalise -> linear
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("fold_norm_affine: weight and bias of the norm join the linear") {
    GraphMaker make;
    make.linear(make.group_norm(make.input(5)), 7);
    CHECK(change_by(fold_norm_affine, make.graph(), hash_map(5, 3, 4)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input normalise linear");
}

TEST_CASE("fold_norm_affine: any of weight, bias and the linear's bias may be missing") {
    for (int missing = 0; missing < 8; ++missing) {
        CAPTURE(missing);
        GraphMaker make;
        const Vector weight = (missing & 1) != 0 ? Vector{} : make.factors(5);
        const Vector bias = (missing & 2) != 0 ? Vector{} : make.vector(5);
        const Vector linear_bias = (missing & 4) != 0 ? Vector{} : make.vector(3);
        const Value norm = make.add_node(GroupNorm{1e-5, weight, bias}, {make.input(5)});
        make.add_node(Linear{make.matrix(3, 5), linear_bias}, {norm});
        CHECK(change_by(fold_norm_affine, make.graph(), hash_map(5, 3, 4)) < kPassTolerance);
        CHECK(op_names(make.graph()) == "input normalise linear");
    }
}

TEST_CASE("fold_norm_affine: a layer_norm stays, its statistics are per pixel") {
    GraphMaker make;
    make.linear(make.layer_norm(make.input(5)), 7);
    CHECK(change_by(fold_norm_affine, make.graph(), hash_map(5, 3, 4)) == 0.0);
    CHECK(op_names(make.graph()) == "input layer_norm linear");
}

TEST_CASE("fold_norm_affine: not when the norm has a second reader") {
    GraphMaker make;
    const Value norm = make.group_norm(make.input(5));
    make.add(norm, make.linear(norm, 5));
    CHECK(change_by(fold_norm_affine, make.graph(), hash_map(5, 3, 4)) == 0.0);
    CHECK(op_names(make.graph()) == "input group_norm linear add");
}

TEST_CASE("fold_norm_affine: not when a tap names the norm") {
    GraphMaker make;
    const Value norm = make.group_norm(make.input(5));
    make.tap("s0.b0", norm);
    make.linear(norm, 5);
    CHECK(change_by(fold_norm_affine, make.graph(), hash_map(5, 3, 4)) == 0.0);
    CHECK(op_names(make.graph()) == "input group_norm linear");
}
