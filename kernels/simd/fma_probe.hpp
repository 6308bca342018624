// fma_probe: as many independent multiply-adds as the core can do, to measure its peak.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

template <class Arch>
struct FmaProbe {
    static double run(std::size_t iterations) {
        constexpr std::size_t kChains = 12;  // covers latency 4-5 on two ports
        Vec<Arch> chains[kChains];
        unroll<kChains>([&](auto i) PF_LAMBDA_INLINE {
            chains[i.value] = Vec<Arch>(0.5f + 0.01f * static_cast<float>(i.value));
        });
        const Vec<Arch> factor(0.9f);
        const Vec<Arch> addend(0.1f);
        for (std::size_t n = 0; n < iterations; ++n) {
            unroll<kChains>([&](auto i) PF_LAMBDA_INLINE {
                chains[i.value] = multiply_add<Arch>(chains[i.value], factor, addend);
            });
        }
        Vec<Arch> total(0.0f);
        unroll<kChains>([&](auto i) PF_LAMBDA_INLINE { total += chains[i.value]; });
        // A sum of values between 0 and 2 is never negative: the comparison only keeps the work.
        const double used = sum_lanes<Arch>(total) < 0 ? 1 : 0;
        return used + 2.0 * kChains * kLanes<Arch> * static_cast<double>(iterations);
    }
};

}  // namespace pf::kernels::simd
