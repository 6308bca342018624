// linear -> scale   becomes   linear
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("fold_scale: the scale joins rows and bias of the linear") {
    GraphMaker make;
    make.scale(make.linear(make.input(4), 6));
    CHECK(change_by(fold_scale, make.graph(), hash_map(4, 3, 2)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input linear");
}

TEST_CASE("fold_scale: two scales, and a linear without bias") {
    GraphMaker make;
    const Value x = make.add_node(Linear{make.matrix(6, 4), {}}, {make.input(4)});
    make.scale(make.scale(x));
    CHECK(change_by(fold_scale, make.graph(), hash_map(4, 3, 2)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input linear");
}

TEST_CASE("fold_scale: not a scale behind something else") {
    GraphMaker make;
    const Value x = make.input(4);
    make.scale(make.subtract(make.pool(x), x));
    CHECK(change_by(fold_scale, make.graph(), hash_map(4, 3, 2)) == 0.0);
    CHECK(op_names(make.graph()) == "input pool subtract scale");
}

TEST_CASE("fold_scale: not when the unscaled value has a second reader or a tap") {
    GraphMaker make;
    const Value x = make.linear(make.input(4), 6);
    make.add(x, make.scale(x));
    CHECK(change_by(fold_scale, make.graph(), hash_map(4, 3, 2)) == 0.0);
    CHECK(op_names(make.graph()) == "input linear scale add");

    GraphMaker tapped;
    const Value y = tapped.linear(tapped.input(4), 6);
    tapped.tap("s0.b0", y);
    tapped.scale(y);
    CHECK(change_by(fold_scale, tapped.graph(), hash_map(4, 3, 2)) == 0.0);
    CHECK(op_names(tapped.graph()) == "input linear scale");
}
