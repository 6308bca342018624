// The sizes, places and values that every kernel is tested with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "tests/support/guarded_buffer.hpp"

namespace pf::test {

// Around the vector widths and blocks of every instruction set.
inline constexpr std::array<std::size_t, 14> kChannels = {1,  7,  8,  9,  15, 16, 17,
                                                          20, 31, 32, 33, 36, 64, 100};

// Where maps may lie: they need a float's alignment only.
inline constexpr std::array kPlaces = {GuardedBuffer::Place::at_end, GuardedBuffer::Place::at_begin,
                                       GuardedBuffer::Place::misaligned};

// Values that must reach every result they are part of, and no other.
inline constexpr std::array kNonFinite = {std::numeric_limits<float>::quiet_NaN(),
                                          std::numeric_limits<float>::infinity(),
                                          -std::numeric_limits<float>::infinity()};

}  // namespace pf::test
