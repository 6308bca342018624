// normalise -> linear -> activation -> linear -> add   becomes   norm_stats -> channel_mlp
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

namespace {

// normalise -> linear -> activation -> linear -> add, as fold_norm_affine and fold_scale leave it.
Value folded_mlp(GraphMaker& make, Value x, ActivationKind activation = ActivationKind::gelu) {
    const Value norm = make.add_node(Normalise{1e-5}, {x});
    const Value hidden = make.add_node(Activation{activation}, {make.linear(norm, 12)});
    return make.add(x, make.linear(hidden, 3));
}

}  // namespace

TEST_CASE("fuse_channel_mlp: a half block becomes two nodes, with any activation") {
    for (const auto kind : {ActivationKind::gelu, ActivationKind::relu, ActivationKind::silu}) {
        GraphMaker make;
        folded_mlp(make, make.input(3), kind);
        CHECK(change_by(fuse_channel_mlp, make.graph(), hash_map(3, 4, 5)) < kPassTolerance);
        CHECK(op_names(make.graph()) == "input norm_stats channel_mlp");
        CHECK(std::get<ChannelMlp>(make.graph().nodes.back().op).activation == kind);
    }
}

TEST_CASE("fuse_channel_mlp: after fold_scale and fold_norm_affine, with layer scale") {
    GraphMaker make;
    make.channel_mlp(make.input(3), 12);
    const auto all_three = [](Graph& graph) {
        fold_scale(graph);
        fold_norm_affine(graph);
        fuse_channel_mlp(graph);
    };
    CHECK(change_by(all_three, make.graph(), hash_map(3, 4, 5)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats channel_mlp");
}

TEST_CASE("fuse_channel_mlp: not while the norm still has its weight and bias") {
    GraphMaker make;
    make.channel_mlp(make.input(3), 12);
    CHECK(change_by(fuse_channel_mlp, make.graph(), hash_map(3, 4, 5)) == 0.0);
    CHECK(op_names(make.graph()) == "input group_norm linear activation linear scale add");
}

TEST_CASE("fuse_channel_mlp: not while a scale stands before the add") {
    GraphMaker make;
    const Value x = make.input(3);
    const Value norm = make.add_node(Normalise{1e-5}, {x});
    make.add(x, make.scale(make.linear(make.gelu(make.linear(norm, 12)), 3)));
    CHECK(change_by(fuse_channel_mlp, make.graph(), hash_map(3, 4, 5)) == 0.0);
    CHECK(op_names(make.graph()) == "input normalise linear activation linear scale add");
}

TEST_CASE("fuse_channel_mlp: not when the residual is not the norm's input") {
    GraphMaker make;
    const Value x = make.input(3);
    const Value norm = make.add_node(Normalise{1e-5}, {make.gelu(x)});
    make.add(x, make.linear(make.gelu(make.linear(norm, 12)), 3));
    CHECK(change_by(fuse_channel_mlp, make.graph(), hash_map(3, 4, 5)) == 0.0);
    CHECK(op_names(make.graph()) == "input activation normalise linear activation linear add");
}

TEST_CASE("fuse_channel_mlp: not when anything between has another reader or a tap") {
    for (std::size_t node = 1; node <= 4; ++node) {  // normalise, linear, activation, linear
        CAPTURE(node);
        GraphMaker tapped;
        folded_mlp(tapped, tapped.input(3));
        tapped.tap("between", tapped.graph().nodes[node].output);
        CHECK(change_by(fuse_channel_mlp, tapped.graph(), hash_map(3, 4, 5)) == 0.0);
        CHECK(op_names(tapped.graph()) == "input normalise linear activation linear add");

        GraphMaker read;
        const Value y = folded_mlp(read, read.input(3));
        read.add(read.linear(read.graph().nodes[node].output, 3), y);
        CHECK(change_by(fuse_channel_mlp, read.graph(), hash_map(3, 4, 5)) == 0.0);
        CHECK(op_names(read.graph()) == "input normalise linear activation linear add linear add");
    }
}
