// The micro-kernel: a few rows of a tile times one panel of packed weights, in registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

inline constexpr std::size_t kPanelVectors = 2;  // a panel is two vectors wide

template <class Arch>
inline constexpr std::size_t kPanel = kPanelVectors* kLanes<Arch>;

// Rows x two vectors of sums. 6 x 2 fills AVX2's 16 registers, 12 x 2 uses 27 of AVX-512's 32.
template <class Arch, std::size_t Rows>
struct Accumulators {
    Vec<Arch> sums[Rows][kPanelVectors];

    PF_INLINE void clear() {
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            sums[r.value][0] = Vec<Arch>(0.0f);
            sums[r.value][1] = Vec<Arch>(0.0f);
        });
    }

    PF_INLINE void fill(const float* panel_values) {
        const Vec<Arch> first = load<Arch>(panel_values);
        const Vec<Arch> second = load<Arch>(panel_values + kLanes<Arch>);
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            sums[r.value][0] = first;
            sums[r.value][1] = second;
        });
    }
};

// Brings the next panel's cache lines in while this one is used. Asking for more than the panel, or
// past the last one, is harmless: a prefetch cannot fault.
struct Prefetch {
    const float* next = nullptr;
    std::size_t lines_per_group = 0;  // cache lines to ask for every kDepthGroup steps

    PF_INLINE void advance() {
        constexpr std::size_t kLineFloats = 16;
        for (std::size_t line = 0; line < lines_per_group; ++line) {
            __builtin_prefetch(next, 0, 2);
            next += kLineFloats;
        }
    }
};

// sums[r][j] += sum over k < depth of tile(r, k) * panel[k][j], k ascending: the order, and so the
// bits, of one output do not depend on Rows. Row r's element k is at
// tile[k / kDepthGroup * group_stride + r * kDepthGroup + k % kDepthGroup].
template <class Arch, std::size_t Rows>
PF_INLINE void multiply_panel(const float* tile, std::size_t group_stride, const float* panel,
                              std::size_t depth, Prefetch prefetch,
                              Accumulators<Arch, Rows>& accumulators) {
    for (std::size_t group = 0; group < depth / kDepthGroup; ++group) {
        prefetch.advance();
        unroll<kDepthGroup>([&](auto k) PF_LAMBDA_INLINE {
            const float* weights = panel + k.value * kPanel<Arch>;
            const Vec<Arch> first = load<Arch>(weights);
            const Vec<Arch> second = load<Arch>(weights + kLanes<Arch>);
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                const Vec<Arch> value(tile[r.value * kDepthGroup + k.value]);
                auto& sums = accumulators.sums[r.value];
                sums[0] = multiply_add<Arch>(value, first, sums[0]);
                sums[1] = multiply_add<Arch>(value, second, sums[1]);
                keep_alive<Arch>(value);
            });
            keep_alive<Arch>(first);
            keep_alive<Arch>(second);
        });
        tile += group_stride;
        panel += kDepthGroup * kPanel<Arch>;
    }
}

}  // namespace pf::kernels::simd
