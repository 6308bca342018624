// Tensor: element access with exact widening of the 16-bit formats.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdint>
#include <cstring>

#include "engine/load/weights.hpp"

namespace pf {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

// In integers, so that it does not depend on the thread's flush-to-zero state.
std::uint32_t widen_f16(std::uint32_t half) {
    const std::uint32_t sign = (half & 0x8000) << 16;
    const std::uint32_t exponent = half >> 10 & 0x1f;
    std::uint32_t fraction = half & 0x3ff;
    if (exponent == 0x1f) return sign | 0x7f80'0000 | fraction << 13;
    if (exponent != 0) return sign | (exponent + 112) << 23 | fraction << 13;  // 112 = 127 - 15
    if (fraction == 0) return sign;
    // Subnormal, fraction * 2^-24: shift the leading one to bit 10, where it is implied.
    const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21;
    fraction = fraction << shift & 0x3ff;
    return sign | (113 - shift) << 23 | fraction << 13;
}

}  // namespace

std::size_t Tensor::size() const {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    return count;
}

float Tensor::widened_value(std::size_t index) const {
    std::uint16_t bits = 0;
    std::memcpy(&bits, data + index * sizeof bits, sizeof bits);
    return std::bit_cast<float>(dtype == Dtype::f16 ? widen_f16(bits) : std::uint32_t{bits} << 16);
}

}  // namespace pf
