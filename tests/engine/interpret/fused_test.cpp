// Fused nodes of the interpreter, against numbers worked out by hand.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "engine/interpret/apply.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("interpret pool_mix: x + scale * rstd * (pool(x) - x), whatever the mean") {
    const Map x{2, 1, 3, {1, 2, 6, 10, 10, 40}};  // pool: 1.5 3 4, 10 20 25
    const Map y = apply(PoolMix{{0.5, 2}}, x, Statistics{123, 2});
    CHECK(y.data == Vector{1.5, 3, 4, 10, 50, -20});
}

TEST_CASE("interpret channel_mlp: by hand, with relu") {
    GraphMaker make;
    const ChannelMlp mlp{{make.matrix(2, 1, {1, -1}), {0, 0.5}},
                         {make.matrix(1, 2, {2, 10}), {100}},
                         ActivationKind::relu};
    const Map x{1, 1, 2, {1, 3}};  // normalised: -1, 1; hidden: (0, 1.5), (1, 0)
    CHECK(apply(mlp, x, Statistics{2, 1}).data == Vector{116, 105});
}

TEST_CASE("interpret head: the two orders give different logits") {
    GraphMaker make;
    const Linear linear{make.matrix(1, 2, {1, 2}), {3}};
    const Map x{2, 1, 2, {1, 3, 5, 7}};  // pooled: 2, 6; mean 4, variance 5, of the pooled 4
    const Map norm_pool = apply(HeadOp{HeadOrder::norm_pool, 0, linear}, x, statistics(x, 0));
    CHECK(norm_pool.data.at(0) == doctest::Approx(3 + 2 / std::sqrt(5.0)).epsilon(1e-15));
    const Map pool_norm = apply(HeadOp{HeadOrder::pool_norm, 0, linear}, x);
    CHECK(pool_norm.data.at(0) == 4.0);
    CHECK(pool_norm.channels == 1);
    CHECK(apply(HeadOp{HeadOrder::pool_norm, 12, linear}, x).data.at(0) == 3.5);
}
