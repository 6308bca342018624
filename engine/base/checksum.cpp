// checksum: tells a damaged file from a whole one, at the speed of memory.
// SPDX-License-Identifier: Apache-2.0
#include "engine/base/checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace pf {
namespace {

constexpr std::size_t kChains = 8;  // as many multiplications are under way at a time
constexpr std::size_t kStep = kChains * sizeof(std::uint64_t);
constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio, odd

std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
    return std::rotl((state ^ word) * kFactor, 29);
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) {
    std::array<std::uint64_t, kChains> chains;
    for (std::size_t i = 0; i < kChains; ++i) chains[i] = mix(seed, i + 1);
    std::array<std::uint64_t, kChains> words{};
    std::size_t done = 0;
    for (; done + kStep <= bytes.size(); done += kStep) {
        std::memcpy(words.data(), bytes.data() + done, kStep);
        for (std::size_t i = 0; i < kChains; ++i) chains[i] = mix(chains[i], words[i]);
    }
    words = {};
    std::memcpy(words.data(), bytes.data() + done, bytes.size() - done);
    std::uint64_t total = mix(seed, bytes.size());
    for (std::size_t i = 0; i < kChains; ++i) total = mix(total, mix(chains[i], words[i]));
    return total;
}

}  // namespace pf
