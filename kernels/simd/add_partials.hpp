// add_partials: partial sums of a whole map added up in double.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

template <class Arch>
class AddPartials {
    static_assert(sizeof(Partial) == 2 * sizeof(float));
    using Doubles = xsimd::batch<double, Arch>;

  public:
    static PartialSums run(const Partial* partials, std::size_t count) {
        const auto* values = reinterpret_cast<const float*>(partials);
        Doubles chains[kChains];
        unroll<kChains>([&](auto i) PF_LAMBDA_INLINE { chains[i.value] = Doubles(0.0); });
        std::size_t next = 0;
        for (; next + kChains * kPairs <= count; next += kChains * kPairs) {
            unroll<kChains>([&](auto i) PF_LAMBDA_INLINE {
                chains[i.value] += widen(values + 2 * (next + i.value * kPairs));
            });
        }
        alignas(64) double lanes[Doubles::size];
        ((chains[0] + chains[1]) + (chains[2] + chains[3])).store_aligned(lanes);
        PartialSums total;
        for (std::size_t pair = 0; pair < kPairs; ++pair) {
            total.sum += lanes[2 * pair];
            total.sum_of_squares += lanes[2 * pair + 1];
        }
        for (; next < count; ++next) {
            total.sum += partials[next].sum;
            total.sum_of_squares += partials[next].sum_of_squares;
        }
        return total;
    }

  private:
    static constexpr std::size_t kChains = 4;  // hide the latency of the additions
    static constexpr std::size_t kPairs = Doubles::size / 2;

    // A template only so that the intrinsics of other instruction sets need not be declared.
    template <class Float>
    PF_INLINE static Doubles widen(const Float* from) {
        if constexpr (kLanes<Arch> == 16) {
            return _mm512_cvtps_pd(_mm256_loadu_ps(from));
        } else if constexpr (kLanes<Arch> == 8) {
            return _mm256_cvtps_pd(_mm_loadu_ps(from));
        } else {
            return _mm_cvtps_pd(
                _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
        }
    }
};

}  // namespace pf::kernels::simd
