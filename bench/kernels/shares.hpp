// What a thread's share of a step costs: one thread computes one share, and nothing else runs.
// SPDX-License-Identifier: Apache-2.0
//
// So that steps can be looked at for more threads than there are cores.
#pragma once

#include <string>
#include <utility>

#include "bench/kernels/measure.hpp"

namespace pf::bench {

enum class SharedBy { pixels, channels };

// The last share is never smaller than another one.
inline kernels::Range last_share(std::size_t total, std::size_t num_threads) {
    return kernels::split(total, num_threads, num_threads - 1);
}

// Registers `body(state, num_threads, shared_by)` as KERNEL/ISA/SHAPE_by_pixels_T4 and the like.
template <class Body>
void add_share_benchmarks(const char* kernel, const kernels::KernelTable& table,
                          const std::string& shape, const Body& body) {
    for (const auto& [shared_by, name] :
         {std::pair{SharedBy::pixels, "pixels"}, std::pair{SharedBy::channels, "channels"}}) {
        for (const std::size_t num_threads : {1, 2, 4, 8, 16}) {
            const SharedBy by = shared_by;
            add_benchmark(
                kernel, table, shape + "_by_" + name + "_T" + std::to_string(num_threads),
                [body, num_threads, by](benchmark::State& state) { body(state, num_threads, by); });
        }
    }
}

}  // namespace pf::bench
