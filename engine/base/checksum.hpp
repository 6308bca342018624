// checksum: tells a damaged file from a whole one, at the speed of memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pf {

// Eight interleaved chains of multiply-and-rotate over 64-bit little-endian words, then mixed; part
// of the compiled file's format. Finds accidents, not forgers. `seed` continues an earlier
// checksum.
std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed = 0);

}  // namespace pf
