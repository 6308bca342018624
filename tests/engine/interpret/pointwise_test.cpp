// Pointwise operations of the interpreter, against literals.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/interpret/apply.hpp"

using namespace pf;

namespace {

double activated(ActivationKind kind, double x) {
    return apply(Activation{kind}, Map{1, 1, 1, {x}}).data[0];
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("interpret gelu: x times the normal distribution, by erf") {
    const auto gelu = [](double x) { return activated(ActivationKind::gelu, x); };
    CHECK(gelu(0) == 0.0);
    CHECK(std::abs(gelu(1) - 0.84134474606854295) < 1e-15);
    CHECK(std::abs(gelu(-1) - -0.15865525393145705) < 1e-15);
    CHECK(std::abs(gelu(6) - 5.9999999940804741) < 1e-14);
    CHECK(std::abs(gelu(-6) - -5.9195258702e-9) < 1e-14);
    CHECK(gelu(kInfinity) == kInfinity);
    CHECK(std::isnan(gelu(kNan)));
}

TEST_CASE("interpret relu: NaN stays NaN") {
    CHECK(activated(ActivationKind::relu, -2) == 0.0);
    CHECK(activated(ActivationKind::relu, 2) == 2.0);
    CHECK(std::isnan(activated(ActivationKind::relu, kNan)));
}

TEST_CASE("interpret silu: x times the logistic function") {
    CHECK(activated(ActivationKind::silu, 0) == 0.0);
    CHECK(std::abs(activated(ActivationKind::silu, 1) - 0.73105857863000488) < 1e-15);
    CHECK(std::abs(activated(ActivationKind::silu, -1) - -0.26894142136999512) < 1e-15);
    CHECK(std::isnan(activated(ActivationKind::silu, kNan)));
}

TEST_CASE("interpret add, subtract, scale: element by element, channel by channel") {
    const Map a{2, 1, 2, {1, 2, 3, 4}};
    const Map b{2, 1, 2, {10, 20, 30, 50}};
    CHECK(apply(Add{}, a, b).data == Vector{11, 22, 33, 54});
    CHECK(apply(Subtract{}, a, b).data == Vector{-9, -18, -27, -46});
    CHECK(apply(Scale{{2, -1}}, a).data == Vector{2, 4, -3, -4});
}
