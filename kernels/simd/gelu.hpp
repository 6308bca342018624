// GELU with the exact (erf) definition, x * Phi(x), in registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

// gelu(x) = max(0, x) - a * q(a)^8 with a = min(5.5, |x|), where q is the degree-8 minimax
// polynomial of Phi(-a)^(1/8) on [0, 5.5]. No division, no exponential; the largest absolute error
// is 2.4e-7, half of what 0.5 * x * (1 + erff(x / sqrt(2))) makes in float.
template <class Arch>
PF_INLINE Vec<Arch> gelu(const Vec<Arch>& x) {
    using V = Vec<Arch>;
    constexpr float kRoot[] = {0.9170040084f,     -0.091457415f,   -0.03192807668f,
                               -0.0006719561175f, 0.001504362764f, 3.429479407e-5f,
                               -6.025755323e-5f,  7.479537049e-6f, -2.95880676e-7f};
    constexpr std::size_t kDegree = 8;
    // min and max return their second operand when one is NaN: this order lets NaN through.
    const V a = xsimd::min(V(5.5f), xsimd::abs(x));
    const V positive = xsimd::max(V(0.0f), x);
    V q(kRoot[kDegree]);
    unroll<kDegree>([&](auto i) PF_LAMBDA_INLINE {
        constexpr float coefficient = kRoot[kDegree - 1 - decltype(i)::value];
        q = multiply_add<Arch>(q, a, V(coefficient));
    });
    const V q2 = q * q;
    const V q4 = q2 * q2;
    return negative_multiply_add<Arch>(a * q4, q4, positive);
}

}  // namespace pf::kernels::simd
