// pool_mix or channel_mlp -> norm_stats   becomes   pool_mix or channel_mlp with its statistics
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

namespace {

Value norm_stats(GraphMaker& make, Value x, double eps = 1e-5) {
    return make.add_node(NormStats{eps}, {x});
}

Value pool_mix(GraphMaker& make, Value x, Value stats) {
    return make.add_node(PoolMix{make.factors(4)}, {x, stats});
}

Value channel_mlp(GraphMaker& make, Value x, Value stats) {
    ChannelMlp mlp{{make.matrix(8, 4), make.vector(8)},
                   {make.matrix(4, 8), make.vector(4)},
                   ActivationKind::gelu};
    return make.add_node(std::move(mlp), {x, stats});
}

}  // namespace

TEST_CASE("attach_statistics: both fused nodes take the statistics of their output") {
    GraphMaker make;
    const Value x = make.input(4);
    const Value mixed = pool_mix(make, x, norm_stats(make, x));
    const Value y = channel_mlp(make, mixed, norm_stats(make, mixed));
    pool_mix(make, y, norm_stats(make, y));
    CHECK(change_by(attach_statistics, make.graph(), hash_map(4, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats pool_mix channel_mlp pool_mix");
    CHECK(make.graph().nodes[2].stats.has_value());
    CHECK(make.graph().nodes[3].stats.has_value());
    CHECK_FALSE(make.graph().nodes[4].stats.has_value());
}

TEST_CASE("attach_statistics: also when the output has other readers or a tap") {
    GraphMaker make;
    const Value x = make.input(4);
    const Value mixed = pool_mix(make, x, norm_stats(make, x));
    make.tap("s0.b0", mixed);
    const Value branch = make.gelu(mixed);
    make.add(branch, channel_mlp(make, mixed, norm_stats(make, mixed)));
    CHECK(change_by(attach_statistics, make.graph(), hash_map(4, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats pool_mix activation channel_mlp add");
    CHECK(make.graph().nodes[2].stats.has_value());
}

TEST_CASE("attach_statistics: the eps stays; a second one with another eps stays a node") {
    GraphMaker make;
    const Value x = make.input(4);
    const Value mixed = pool_mix(make, x, norm_stats(make, x));
    const Value y = channel_mlp(make, mixed, norm_stats(make, mixed, 1e-3));
    make.add(y, pool_mix(make, mixed, norm_stats(make, mixed, 1e-2)));
    CHECK(change_by(attach_statistics, make.graph(), hash_map(4, 3, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) ==
          "input norm_stats pool_mix channel_mlp norm_stats pool_mix add");
    CHECK(make.graph().nodes[2].stats->eps == 1e-3);
}

TEST_CASE("attach_statistics: not to a conv2d") {
    GraphMaker make;
    const Value x = make.conv2d(make.input(3), 4, {3, 2, 1});
    pool_mix(make, x, norm_stats(make, x));
    CHECK(change_by(attach_statistics, make.graph(), hash_map(3, 5, 5)) == 0.0);
    CHECK(op_names(make.graph()) == "input conv2d norm_stats pool_mix");
    CHECK_FALSE(make.graph().nodes[1].stats.has_value());
}
