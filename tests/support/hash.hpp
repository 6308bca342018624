// The integer hash that makes every test weight and input; specified in tests/golden/README.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pf::test {

// The finaliser of splitmix64: a bijection that spreads every input bit over all output bits.
constexpr std::uint64_t finalise(std::uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

// FNV-1a, 64 bits: what stands for a tensor in the hash, so that the order of tensors is
// irrelevant.
constexpr std::uint64_t name_key(std::string_view name) {
    std::uint64_t key = 0xCBF29CE484222325u;
    for (const char letter : name) {
        key = (key ^ static_cast<unsigned char>(letter)) * 0x100000001B3u;
    }
    return key;
}

// 64 bits for one element of one tensor.
constexpr std::uint64_t hash_bits(std::uint64_t seed, std::uint64_t key, std::size_t element) {
    constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15u;
    const std::uint64_t stream = finalise(finalise(seed + kStep) ^ key);
    return finalise(stream + (element + 1) * kStep);
}

// A multiple of 2^-23 in [-1, 1), so exact in float: uniform, mean 0, standard deviation 1/sqrt(3).
constexpr double hash_unit(std::uint64_t seed, std::uint64_t key, std::size_t element) {
    return static_cast<double>(hash_bits(seed, key, element) >> 40) / 8388608.0 - 1.0;
}

}  // namespace pf::test
