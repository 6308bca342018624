// GELU with the exact (erf) definition, x * Phi(x), on a few vectors at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/gelu_table.hpp"
#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

// gelu(x) = max(0, x) - a * q(a)^8 with a = min(5.5, |x|), where q is the degree-8 minimax
// polynomial of Phi(-a)^(1/8) on [0, 5.5]. No division, no exponential; the largest absolute error
// is 2.4e-7 with the rounding of the result, half of what 0.5 * x * (1 + erff(x / sqrt(2))) makes
// in float. NaN stays NaN, +infinity is itself, and -infinity gives the limit, 0 to within that
// error, where the formula by erff makes -infinity * 0 = NaN (so does PyTorch).
//
// In place on N vectors, one step of the polynomial after the other for all of them: a vector on
// its own is one chain of 13 dependent operations, and so few of those fit into a CPU's scheduler
// that its multipliers would idle half of the time.
template <class Arch, std::size_t N>
PF_INLINE void gelu_step(float* values) {
    using V = Vec<Arch>;
    constexpr float kRoot[] = {0.9170040084f,     -0.091457415f,   -0.03192807668f,
                               -0.0006719561175f, 0.001504362764f, 3.429479407e-5f,
                               -6.025755323e-5f,  7.479537049e-6f, -2.95880676e-7f};
    constexpr std::size_t kDegree = 8;
    V a[N];
    V q[N];
    unroll<N>([&](auto i) PF_LAMBDA_INLINE {
        // min and max return their second operand when one is NaN: this order lets NaN through.
        a[i.value] = xsimd::min(V(5.5f), xsimd::abs(load<Arch>(values + i.value * kLanes<Arch>)));
        q[i.value] = V(kRoot[kDegree]);
    });
    unroll<kDegree>([&](auto step) PF_LAMBDA_INLINE {
        constexpr float coefficient = kRoot[kDegree - 1 - decltype(step)::value];
        // Hidden from the compiler, or each multiply-add would load the coefficient again.
        typename V::register_type bits = V(coefficient);
        asm volatile("" : "+v"(bits));
        unroll<N>([&](auto i) PF_LAMBDA_INLINE {
            q[i.value] = multiply_add<Arch>(q[i.value], a[i.value], V(bits));
        });
    });
    unroll<2>([&](auto) PF_LAMBDA_INLINE {
        unroll<N>([&](auto i) PF_LAMBDA_INLINE { q[i.value] *= q[i.value]; });
    });
    unroll<N>([&](auto i) PF_LAMBDA_INLINE {
        float* value = values + i.value * kLanes<Arch>;
        const V positive = xsimd::max(V(0.0f), load<Arch>(value));
        store<Arch>(value,
                    negative_multiply_add<Arch>(a[i.value] * q[i.value], q[i.value], positive));
    });
}

template <class Arch>
inline constexpr bool kGeluByTable = std::is_base_of_v<xsimd::avx512f, Arch>;

// In place, a multiple of 16 values.
template <class Arch>
__attribute__((noinline)) void gelu(float* values, const float* end) {
    // By table, the MLP is faster with 4 than with 6 (EPYC Turin, 2026-11-29).
    constexpr std::size_t kVectors = kGeluByTable<Arch> ? 4 : 6;
    const auto step = [&](auto vectors) PF_LAMBDA_INLINE {
        constexpr std::size_t kCount = decltype(vectors)::value;
        if constexpr (kGeluByTable<Arch>) {
            gelu_table_step<Arch, kCount>(values);
        } else {
            gelu_step<Arch, kCount>(values);
        }
        values += kCount * kLanes<Arch>;
    };
    while (values + kVectors * kLanes<Arch> <= end) step(Index<kVectors>{});
    while (values < end) step(Index<1>{});
}

}  // namespace pf::kernels::simd
