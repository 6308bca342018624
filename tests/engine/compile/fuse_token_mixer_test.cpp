// group_norm -> pool 3x3 - x -> scale -> add   becomes   norm_stats -> pool_mix
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("fuse_token_mixer: a half block becomes two nodes, at any map size") {
    const MapSize sizes[] = {{1, 1}, {1, 6}, {5, 1}, {2, 2}, {3, 3}, {7, 4}};
    for (const MapSize& size : sizes) {
        CAPTURE(size.height);
        CAPTURE(size.width);
        GraphMaker make;
        make.token_mixer(make.input(6));
        const Map image = hash_map(6, size.height, size.width);
        CHECK(change_by(fuse_token_mixer, make.graph(), image) < kPassTolerance);
        CHECK(op_names(make.graph()) == "input norm_stats pool_mix");
    }
}

TEST_CASE("fuse_token_mixer: layer scale, norm weight and norm bias may be missing") {
    GraphMaker make;
    const Value x = make.input(6);
    const Value norm = make.add_node(GroupNorm{1e-5, {}, {}}, {x});
    make.add(x, make.subtract(make.pool(norm), norm));
    CHECK(change_by(fuse_token_mixer, make.graph(), hash_map(6, 5, 4)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats pool_mix");
    CHECK(std::get<PoolMix>(make.graph().nodes.back().op).scale == Vector(6, 1.0));
}

TEST_CASE("fuse_token_mixer: the residual may be the add's second input") {
    GraphMaker make;
    const Value x = make.input(6);
    const Value norm = make.group_norm(x);
    make.add(make.scale(make.subtract(make.pool(norm), norm)), x);
    CHECK(change_by(fuse_token_mixer, make.graph(), hash_map(6, 5, 4)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats pool_mix");
}

TEST_CASE("fuse_token_mixer: a tap on the block's output stays right") {
    GraphMaker make;
    const Value y = make.token_mixer(make.input(6));
    make.tap("s0.b0", y);
    make.gelu(y);
    CHECK(change_by(fuse_token_mixer, make.graph(), hash_map(6, 5, 4)) < kPassTolerance);
    CHECK(op_names(make.graph()) == "input norm_stats pool_mix activation");
}

TEST_CASE("fuse_token_mixer: not another window, another norm or another order") {
    const auto stays = [](auto mixer) {
        GraphMaker make;
        const Value x = make.input(6);
        make.add(x, make.scale(mixer(make, x)));
        const std::string before = op_names(make.graph());
        CHECK(change_by(fuse_token_mixer, make.graph(), hash_map(6, 5, 4)) == 0.0);
        CHECK(op_names(make.graph()) == before);
    };
    SUBCASE("pool 5x5") {
        stays([](GraphMaker& make, Value x) {
            const Value norm = make.group_norm(x);
            return make.subtract(make.pool(norm, 5), norm);
        });
    }
    SUBCASE("layer_norm") {
        stays([](GraphMaker& make, Value x) {
            const Value norm = make.layer_norm(x);
            return make.subtract(make.pool(norm), norm);
        });
    }
    SUBCASE("batch_norm") {
        stays([](GraphMaker& make, Value x) {
            const Value norm = make.batch_norm(x);
            return make.subtract(make.pool(norm), norm);
        });
    }
    SUBCASE("identity minus pool") {
        stays([](GraphMaker& make, Value x) {
            const Value norm = make.group_norm(x);
            return make.subtract(norm, make.pool(norm));
        });
    }
    SUBCASE("pool minus the norm's input") {
        stays([](GraphMaker& make, Value x) {
            const Value norm = make.group_norm(x);
            return make.subtract(make.pool(norm), x);
        });
    }
    SUBCASE("a pool of the norm's input") {
        stays([](GraphMaker& make, Value x) {
            const Value pooled = make.pool(x);
            return make.subtract(pooled, make.group_norm(x));
        });
    }
}

TEST_CASE("fuse_token_mixer: not when the residual is not the norm's input") {
    GraphMaker make;
    const Value x = make.input(6);
    const Value y = make.gelu(x);
    const Value norm = make.group_norm(y);
    make.add(x, make.scale(make.subtract(make.pool(norm), norm)));
    CHECK(change_by(fuse_token_mixer, make.graph(), hash_map(6, 5, 4)) == 0.0);
    CHECK(op_names(make.graph()) == "input activation group_norm pool subtract scale add");
}

TEST_CASE("fuse_token_mixer: not when anything between has another reader or a tap") {
    for (std::size_t node = 1; node <= 4; ++node) {  // group_norm, pool, subtract, scale
        CAPTURE(node);
        GraphMaker tapped;
        tapped.token_mixer(tapped.input(6));
        tapped.tap("between", tapped.graph().nodes[node].output);
        CHECK(change_by(fuse_token_mixer, tapped.graph(), hash_map(6, 5, 4)) == 0.0);
        CHECK(op_names(tapped.graph()) == "input group_norm pool subtract scale add");

        GraphMaker read;
        const Value y = read.token_mixer(read.input(6));
        read.add(y, read.graph().nodes[node].output);
        CHECK(change_by(fuse_token_mixer, read.graph(), hash_map(6, 5, 4)) == 0.0);
        CHECK(op_names(read.graph()) == "input group_norm pool subtract scale add add");
    }
}
