// conv2d and linear of the interpreter, against numbers worked out by hand and a direct formula.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <limits>

#include "engine/interpret/apply.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/graph_maker.hpp"

using namespace pf;
using namespace pf::test;

namespace {

const Map kOneToNine{1, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}};

// One output of a convolution, straight from its definition.
double convolved(const Conv2d& op, const Map& x, std::size_t o, std::size_t row,
                 std::size_t column) {
    const auto kernel = op.window.kernel;
    double sum = op.bias[o];
    for (std::size_t i = 0; i < x.channels; ++i) {
        for (std::size_t ky = 0; ky < kernel; ++ky) {
            for (std::size_t kx = 0; kx < kernel; ++kx) {
                const std::size_t y_padded = row * op.window.stride + ky;
                const std::size_t x_padded = column * op.window.stride + kx;
                if (y_padded < op.window.padding || y_padded >= x.height + op.window.padding ||
                    x_padded < op.window.padding || x_padded >= x.width + op.window.padding) {
                    continue;
                }
                sum +=
                    op.weight.at(o, (i * kernel + ky) * kernel + kx) *
                    channel(
                        x,
                        i)[(y_padded - op.window.padding) * x.width + x_padded - op.window.padding];
            }
        }
    }
    return sum;
}

}  // namespace

TEST_CASE("interpret conv2d: 2x2 window without padding") {
    GraphMaker make;
    const Conv2d op{make.matrix(1, 4, {1, 2, 3, 4}), {10}, 1, {2, 1, 0}};
    const Map y = apply(op, kOneToNine);
    CHECK(y.height == 2);
    CHECK(y.width == 2);
    CHECK(y.data == Vector{47, 57, 77, 87});
}

TEST_CASE("interpret conv2d: 3x3 window with padding 1 and stride 2") {
    GraphMaker make;
    const Conv2d op{make.matrix(1, 9, {1, 2, 3, 4, 5, 6, 7, 8, 9}), {0}, 1, {3, 2, 1}};
    CHECK(apply(op, kOneToNine).data == Vector{94, 106, 106, 94});
}

TEST_CASE("interpret conv2d: two channels in, two out") {
    GraphMaker make;
    const Conv2d op{make.matrix(2, 2, {1, 10, 100, 1000}), {0.5, -0.5}, 2, {1, 1, 0}};
    const Map x{2, 1, 2, {1, 2, 3, 4}};
    CHECK(apply(op, x).data == Vector{31.5, 42.5, 3099.5, 4199.5});
}

TEST_CASE("interpret conv2d: equals the definition for any window and size") {
    const PatchEmbedding windows[] = {{7, 4, 2}, {3, 2, 1}, {3, 1, 2}, {5, 7, 4}, {1, 1, 0}};
    const MapSize sizes[] = {{7, 7}, {8, 13}, {5, 9}, {3, 20}};
    for (const PatchEmbedding& window : windows) {
        for (const MapSize& size : sizes) {
            CAPTURE(window.kernel);
            CAPTURE(size.height);
            CAPTURE(size.width);
            GraphMaker make;
            const Conv2d op{make.matrix(3, 2 * window.kernel * window.kernel), make.vector(3), 2,
                            window};
            const Map x = hash_map(2, size.height, size.width);
            const Map y = apply(op, x);
            Map expected = y;
            for (std::size_t o = 0; o < y.channels; ++o) {
                for (std::size_t row = 0; row < y.height; ++row) {
                    for (std::size_t column = 0; column < y.width; ++column) {
                        channel(expected, o)[row * y.width + column] =
                            convolved(op, x, o, row, column);
                    }
                }
            }
            CHECK(relative_difference(expected, y) < 1e-14);
        }
    }
}

TEST_CASE("interpret linear: the same matrix at every pixel, bias or none, scales applied") {
    GraphMaker make;
    Linear op{make.matrix(3, 2, {1, 2, 3, 4, 5, 6}), {10, 20, 30}};
    const Map x{2, 1, 2, {1, 2, 3, 4}};
    CHECK(apply(op, x).data == Vector{17, 20, 35, 42, 53, 64});
    op.bias.clear();
    CHECK(apply(op, x).data == Vector{7, 10, 15, 22, 23, 34});
    op.weight.scale_rows({1, 2, 1});
    op.weight.scale_columns({10, 1});
    CHECK(apply(op, x).data == Vector{16, 28, 84, 152, 68, 124});
}

TEST_CASE("interpret: a NaN reaches every output that reads it, even through a weight of zero") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    GraphMaker make;
    const Map x{1, 1, 4, {nan, 1, 1, 1}};
    const Map linear = apply(Linear{make.matrix(1, 1, {0}), {}}, x);
    CHECK(linear.data[0] != linear.data[0]);
    CHECK(linear.data[1] == 0.0);
    const Conv2d op{make.matrix(1, 9, {0, 0, 0, 0, 0, 0, 0, 0, 0}), {1}, 1, {3, 1, 1}};
    const Map conv = apply(op, x);
    CHECK(conv.data[0] != conv.data[0]);
    CHECK(conv.data[1] != conv.data[1]);
    CHECK(conv.data[2] == 1.0);
}
