// pool and global_mean of the interpreter: divisors at the border, worked out by hand.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/interpret/apply.hpp"

using namespace pf;

TEST_CASE("interpret pool: divisors 4, 6 and 9 on a 3x3 map") {
    const Map y = apply(Pool{3}, {1, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}});
    CHECK(y.data == Vector{3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7});
}

TEST_CASE("interpret pool: maps of one row, one column, one pixel") {
    CHECK(apply(Pool{3}, {1, 1, 3, {1, 2, 6}}).data == Vector{1.5, 3, 4});
    CHECK(apply(Pool{3}, {1, 3, 1, {1, 2, 6}}).data == Vector{1.5, 3, 4});
    CHECK(apply(Pool{3}, {2, 1, 1, {4, 5}}).data == Vector{4, 5});
}

TEST_CASE("interpret pool: a window larger than the map averages all of it") {
    const Map x{1, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
    CHECK(apply(Pool{5}, x).data == Vector(9, 5.0));
    CHECK(apply(Pool{63}, x).data == Vector(9, 5.0));
    CHECK(apply(Pool{1}, x).data == x.data);
}

TEST_CASE("interpret pool: channels stay apart") {
    CHECK(apply(Pool{3}, {2, 1, 2, {1, 3, 10, 30}}).data == Vector{2, 2, 20, 20});
}

TEST_CASE("interpret pool: a NaN reaches its window and no further") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Map y = apply(Pool{3}, {1, 1, 4, {nan, 1, 1, 1}});
    CHECK(std::isnan(y.data[0]));
    CHECK(std::isnan(y.data[1]));
    CHECK(y.data[2] == 1.0);
    CHECK(y.data[3] == 1.0);
}

TEST_CASE("interpret global_mean: one number a channel") {
    const Map y = apply(GlobalMean{}, {2, 2, 2, {1, 2, 3, 4, 10, 20, 30, 40}});
    CHECK(y.channels == 2);
    CHECK(y.height == 1);
    CHECK(y.width == 1);
    CHECK(y.data == Vector{2.5, 25});
}
