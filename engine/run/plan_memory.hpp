// plan_memory: from lifetimes to offsets in one arena. A pure function.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pf {

// A buffer that is written at step `first` and last read at step `last`.
struct Lifetime {
    std::size_t floats = 0;
    std::size_t first = 0;
    std::size_t last = 0;
};

struct MemoryPlan {
    std::vector<std::size_t> offsets;  // in floats, multiples of 16 (64 bytes); one per lifetime
    std::size_t total_floats = 0;
};

// Buffers whose lifetimes share a step never share memory. Largest first, each at the lowest offset
// where it fits: optimal for a chain of layers, and good enough for the rest.
MemoryPlan plan_memory(std::span<const Lifetime> lifetimes);

}  // namespace pf
