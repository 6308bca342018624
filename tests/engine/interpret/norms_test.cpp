// Norms of the interpreter, against numbers worked out by hand.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/interpret/apply.hpp"
#include "tests/support/graph_checks.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("interpret statistics: biased variance over the whole map") {
    const Statistics stats = statistics({2, 1, 2, {1, 2, 3, 4}}, 0.75);
    CHECK(stats.mean == 2.5);
    CHECK(stats.rstd == doctest::Approx(1 / std::sqrt(2.0)).epsilon(1e-15));  // 1.25 + 0.75
}

TEST_CASE("interpret statistics: exact where the mean is far above the deviations") {
    const Statistics stats = statistics({1, 1, 4, {1e9 - 1, 1e9 + 1, 1e9 - 1, 1e9 + 1}}, 0);
    CHECK(stats.mean == 1e9);
    CHECK(stats.rstd == 1.0);
}

TEST_CASE("interpret group_norm: by hand") {
    const double root = std::sqrt(2.0);
    const Map x{2, 1, 2, {1, 2, 3, 4}};
    const Map plain{2, 1, 2, {-1.5 / root, -0.5 / root, 0.5 / root, 1.5 / root}};
    CHECK(relative_difference(plain, apply(GroupNorm{0.75, {}, {}}, x)) < 1e-15);
    CHECK(relative_difference(plain, apply(Normalise{0.75}, x)) < 1e-15);
    const Map affine{2, 1, 2, {10 - 3 / root, 10 - 1 / root, 20 + 2 / root, 20 + 6 / root}};
    CHECK(relative_difference(affine, apply(GroupNorm{0.75, {2, 4}, {10, 20}}, x)) < 1e-15);
}

TEST_CASE("interpret group_norm: a constant map becomes the bias") {
    const Map x{2, 2, 2, std::vector<double>(8, 3.0)};
    const Map y = apply(GroupNorm{1e-5, {5, 7}, {1, -2}}, x);
    CHECK(y.data == Vector{1, 1, 1, 1, -2, -2, -2, -2});
}

TEST_CASE("interpret layer_norm: each pixel by its own statistics") {
    const Map x{2, 1, 2, {1, 10, 3, 30}};  // pixels (1, 3) and (10, 30)
    const Map y = apply(LayerNorm{0, {1, 2}, {0, 100}}, x);
    CHECK(y.data == Vector{-1, -1, 102, 102});
    const Map with_eps = apply(LayerNorm{3, {}, {}}, x);  // sqrt(1 + 3) = 2
    CHECK(with_eps.data[0] == -0.5);
    CHECK(with_eps.data[2] == 0.5);
}

TEST_CASE("interpret: layer_norm and group_norm agree on a vector") {
    const Map vector = hash_map(9, 1, 1);
    const Map group = apply(GroupNorm{1e-6, {}, {}}, vector);
    CHECK(relative_difference(group, apply(LayerNorm{1e-6, {}, {}}, vector)) < 1e-15);
}

TEST_CASE("interpret batch_norm: stored statistics") {
    const Map x{2, 1, 2, {5, 1, 0, 2}};
    const Map y = apply(BatchNorm{1, {3, 1}, {-1, 0}, {1, 2}, {3, 0}}, x);
    CHECK(y.data == Vector{5, -1, -2, 0});
    CHECK(apply(BatchNorm{1, {}, {}, {1, 2}, {3, 0}}, x).data == Vector{2, 0, -2, 0});
}

TEST_CASE("interpret: a NaN fills what shares its statistics, and no more") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Map x{2, 1, 2, {nan, 1, 2, 5}};
    for (const double value : apply(GroupNorm{1e-5, {}, {}}, x).data) CHECK(std::isnan(value));
    const Map pixels = apply(LayerNorm{0, {}, {}}, x);
    CHECK(std::isnan(pixels.data[2]));
    CHECK(pixels.data[3] == 1.0);
    CHECK(std::isnan(statistics(x, 1e-5).rstd));
}
