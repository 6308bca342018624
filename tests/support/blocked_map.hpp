// Maps for kernel tests: made from the integer hash, dense for the reference, blocked for kernels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "kernels/reference/reference.hpp"

namespace pf::test {

// Floats mean + deviation * u with u uniform in [-1, 1).
std::vector<float> hash_floats(std::size_t size, std::uint64_t seed, double mean = 0,
                               double deviation = 1);
kernels::reference::Numbers to_numbers(std::span<const float> values);

// Every value is a float, so that the kernels start from the same numbers.
kernels::reference::Map hash_reference_map(std::size_t channels, std::size_t height,
                                           std::size_t width, double mean = 0,
                                           double deviation = 1);

// [channels / block][pixels][block], padded channels zero; and back.
std::vector<float> to_blocked(const kernels::reference::Map& map, std::size_t block);

kernels::reference::Map from_blocked(std::span<const float> blocked, std::size_t channels,
                                     std::size_t height, std::size_t width, std::size_t block);

// Where (channel, pixel) lies in it.
std::size_t blocked_index(std::size_t pixels, std::size_t block, std::size_t channel,
                          std::size_t pixel);

bool padding_is_zero(std::span<const float> blocked, std::size_t channels, std::size_t pixels,
                     std::size_t block);

// Equal bit for bit, NaNs too.
bool same_bits(std::span<const float> a, std::span<const float> b);
bool same_bits(std::span<const kernels::Partial> a, std::span<const kernels::Partial> b);

// Whether a partial is within its rounding errors of the sums over these floats of the map.
bool partial_matches(const kernels::Partial& found, const kernels::reference::Map& map,
                     kernels::Range channels, kernels::Range pixels, double shift);

// The same for all strips of a map: [channel blocks][strips].
bool strips_match(std::span<const kernels::Partial> found, const kernels::reference::Map& map,
                  std::size_t block, double shift);

}  // namespace pf::test
