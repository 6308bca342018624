// Tests of Tensor: exact widening of every 16-bit pattern, unaligned data, sizes.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/load/finite.hpp"
#include "engine/load/weights.hpp"

namespace pf::test {
namespace {

// Puts `values` at an odd address, as a header of odd length does.
template <class T>
std::vector<std::byte> at_odd_address(const std::vector<T>& values) {
    std::vector<std::byte> bytes(1 + values.size() * sizeof(T));
    std::memcpy(bytes.data() + 1, values.data(), values.size() * sizeof(T));
    return bytes;
}

std::vector<std::uint16_t> all_patterns() {
    std::vector<std::uint16_t> patterns(65536);
    for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
    return patterns;
}

// What the pattern means: sign, 5 bits of exponent, 10 bits of fraction.
double half_meaning(std::uint32_t pattern) {
    const int exponent = static_cast<int>(pattern >> 10 & 31);
    const int fraction = static_cast<int>(pattern & 1023);
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return pattern & 0x8000 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE("Tensor: every f16 pattern widens exactly") {
    const auto bytes = at_odd_address(all_patterns());
    const Tensor tensor{Dtype::f16, {65536}, bytes.data() + 1};
    for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
        const float value = tensor.value(pattern);
        CAPTURE(pattern);
        REQUIRE(std::signbit(value) == (pattern >= 0x8000));
        if ((pattern & 0x7c00) != 0x7c00) {
            REQUIRE(double{value} == half_meaning(pattern));
        } else {
            REQUIRE(std::isnan(value) == ((pattern & 0x3ff) != 0));
            REQUIRE_FALSE(std::isfinite(value));
        }
    }
}

TEST_CASE("Tensor: every bf16 pattern is the upper half of a float") {
    const auto bytes = at_odd_address(all_patterns());
    const Tensor tensor{Dtype::bf16, {256, 256}, bytes.data() + 1};
    for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
        REQUIRE(std::bit_cast<std::uint32_t>(tensor.value(pattern)) == pattern << 16);
    }
}

TEST_CASE("Tensor: f32 keeps every bit, subnormals and minus zero included") {
    const std::vector<float> values = {1.5f, -0.0f, std::numeric_limits<float>::denorm_min(),
                                       std::numeric_limits<float>::max()};
    const auto bytes = at_odd_address(values);
    const Tensor tensor{Dtype::f32, {2, 2}, bytes.data() + 1};
    for (std::size_t i = 0; i < values.size(); ++i) {
        CHECK(std::bit_cast<std::uint32_t>(tensor.value(i)) ==
              std::bit_cast<std::uint32_t>(values[i]));
    }
}

TEST_CASE("Tensor: size is the product of the shape") {
    CHECK(Tensor{Dtype::f32, {2, 3, 5}, nullptr}.size() == 30);
    CHECK(Tensor{Dtype::f32, {}, nullptr}.size() == 1);
    CHECK(Tensor{Dtype::f32, {4, 0}, nullptr}.size() == 0);
}

TEST_CASE("find_not_finite: finds the first NaN or infinity, wherever it is") {
    const std::uint32_t bad_patterns[] = {0x7f800000, 0xff800000, 0x7f800001, 0xffffffff};
    for (const std::size_t size : {1u, 2u, 1023u, 1024u, 1025u, 3000u}) {
        std::vector<float> values(size, std::numeric_limits<float>::max());
        auto bytes = at_odd_address(values);
        const Tensor tensor{Dtype::f32, {size}, bytes.data() + 1};
        CHECK_FALSE(find_not_finite(tensor));
        for (const std::size_t index : {std::size_t{0}, size / 2, size - 1}) {
            for (const std::uint32_t bad : bad_patterns) {
                std::byte* place = bytes.data() + 1 + index * sizeof(float);
                std::memcpy(place, &bad, sizeof(bad));
                CHECK(find_not_finite(tensor) == index);
                std::memcpy(place, values.data(), sizeof(float));
            }
        }
    }
}

TEST_CASE("find_not_finite: agrees with isfinite on every 16-bit pattern") {
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16}) {
        for (const std::uint16_t pattern : all_patterns()) {
            std::byte bytes[sizeof(pattern)];
            std::memcpy(bytes, &pattern, sizeof(pattern));
            const Tensor tensor{dtype, {1}, bytes};
            REQUIRE(find_not_finite(tensor).has_value() == !std::isfinite(tensor.value(0)));
        }
    }
}

TEST_CASE("find_not_finite: a tensor without elements is finite") {
    CHECK_FALSE(find_not_finite(Tensor{Dtype::f32, {0}, nullptr}));
}

}  // namespace pf::test
