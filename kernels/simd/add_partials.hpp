// add_partials: partial sums of a whole map added up in double.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

template <class Arch>
class AddPartials {
    static_assert(sizeof(Partial) == 2 * sizeof(float));
    using Doubles = simd::Doubles<Arch>;

  public:
    static PartialSums run(const Partial* partials, std::size_t count) {
        const auto* values = reinterpret_cast<const float*>(partials);
        Doubles chains[kChains];
        unroll<kChains>([&](auto i) PF_LAMBDA_INLINE { chains[i.value] = Doubles(0.0); });
        std::size_t next = 0;
        for (; next + kChains * kPairs <= count; next += kChains * kPairs) {
            unroll<kChains>([&](auto i) PF_LAMBDA_INLINE {
                chains[i.value] += widen<Arch>(values + 2 * (next + i.value * kPairs));
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
};

}  // namespace pf::kernels::simd
