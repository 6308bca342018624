// GELU by table lookup: AVX-512 finds 16 of 32 coefficients in one instruction.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

struct alignas(64) GeluTable {
    float coefficients[5][32];  // of g's polynomials: by falling powers of a - k / 4, then by k
    float last;                 // a quarter whose coefficients are zero
    // The last bit of a float of this size is worth a quarter: added to a, it leaves k in the
    // lowest bits.
    float quarters;
};

// clang-format off
template <class Arch>
inline constexpr GeluTable kGeluTable = {.coefficients = {
    {0.0658674538f, 0.0572411194f, 0.0338396244f, 0.00482040085f, -0.0199993886f,
     -0.0340341106f, -0.035956528f, -0.0289144721f, -0.018009115f, -0.00772997551f,
     -0.000555313774f, 0.00308775553f, 0.00404366571f, 0.00351280184f, 0.00248539355f,
     0.00152208819f, 0.000829335884f, 0.000408099004f, 0.000183033175f, 7.52783817e-05f,
     2.85137558e-05f, 9.97833376e-06f, 3.2339201e-06f},
    {8.80962689e-05f, 0.0631660819f, 0.109582782f, 0.128950074f, 0.120670751f, 0.0926305354f,
     0.0567166768f, 0.023745928f, 0.000175378082f, -0.0125062466f, -0.0163493883f,
     -0.0148154292f, -0.0110795433f, -0.00722691044f, -0.00421631057f, -0.00223063119f,
     -0.00107918622f, -0.00048013567f, -0.000197212081f, -7.49986939e-05f, -2.64649934e-05f,
     -8.68013012e-06f, -2.64975597e-06f},
    {-0.398946434f, -0.374583155f, -0.308056563f, -0.216443002f, -0.120986558f, -0.0399558097f,
     0.0161887389f, 0.0458344258f, 0.0539910533f, 0.0486016907f, 0.0372480229f, 0.0252917577f,
     0.0155115845f, 0.00868691038f, 0.00447248854f, 0.00212656218f, 0.00093678222f,
     0.000383219594f, 0.000145839469f, 5.17034023e-05f, 1.70944422e-05f, 5.27553721e-06f,
     1.52079292e-06f},
    {0.50000006f, 0.304627717f, 0.132506579f, 0.000776014698f, -0.08331424f, -0.122661114f,
     -0.127469391f, -0.110926755f, -0.0852324888f, -0.0591902919f, -0.03761141f,
     -0.022027662f, -0.0119456472f, -0.00601732545f, -0.00282169576f, -0.00123376527f,
     -0.000503616291f, -0.000192096864f, -6.85197374e-05f, -2.28688186e-05f, -7.14519592e-06f,
     -2.09073869e-06f, -5.73119053e-07f},
    {0.0f, 0.100323416f, 0.154268771f, 0.169970512f, 0.158655256f, 0.132062212f, 0.100210801f,
     0.0701035261f, 0.0455002636f, 0.0275050625f, 0.0155241629f, 0.00819434877f,
     0.00404969417f, 0.00187533128f, 0.000814201776f, 0.000331564865f, 0.000126685001f,
     4.5426259e-05f, 1.52895445e-05f, 4.83115309e-06f, 1.43326122e-06f, 3.99261836e-07f,
     1.04443117e-07f}}, .last = 7.75f, .quarters = 1.5f * (1 << 21)};
// clang-format on

// gelu(x) = max(0, x) - g(|x|) with g(a) = a * Phi(-a). Around every quarter k / 4 up to 5.5, g is
// its minimax polynomial of degree 4 in a - k / 4; from 5.625 on it is 0, and g(a) below 5.3e-8.
// The result is at most 5.4e-8 off beside its own rounding (gelu_step: 1.3e-7). NaN stays NaN,
// +infinity is itself, and -infinity gives the limit, 0.
//
// In place on N vectors, for AVX-512 only, rounding to nearest: k and a - k / 4 are rounded on
// their own, and must agree. On Zen 5 it takes 4.8 cycles a vector, gelu_step 6.6 (2026-11-29): the
// units of the multiply-adds are needed for its 4 of those and some of its 5 look-ups, not for 12
// instructions.
template <class Arch, std::size_t N>
PF_INLINE void gelu_table_step(float* values) {
    using V = Vec<Arch>;
    using Register = typename V::register_type;
    using Integers = decltype(_mm512_castps_si512(Register()));
    constexpr int kSmallerWithoutSign = 0b1010;   // of _mm512_range_ps
    constexpr int kMinusNearestQuarter = 2 << 4;  // of _mm512_reduce_ps: two fractional bits
    const GeluTable* table = &kGeluTable<Arch>;
    // Hidden from the compiler, which would move what it reads out of the micro-kernel's loop, into
    // registers that the sums need.
    asm volatile("" : "+r"(table));
    Integers k[N];
    V difference[N];
    V g[N];
    unroll<N>([&](auto i) PF_LAMBDA_INLINE {
        const Register x = load<Arch>(values + i.value * kLanes<Arch>);
        const V a = V(_mm512_range_ps(x, Register(V(table->last)), kSmallerWithoutSign));
        k[i.value] = _mm512_castps_si512(Register(a + V(table->quarters)));
        difference[i.value] = V(_mm512_reduce_ps(Register(a), kMinusNearestQuarter));
    });
    unroll<5>([&](auto row) PF_LAMBDA_INLINE {
        const Register low = V::load_aligned(table->coefficients[row.value]);
        const Register high = V::load_aligned(table->coefficients[row.value] + kLanes<Arch>);
        unroll<N>([&](auto i) PF_LAMBDA_INLINE {
            const V coefficient = V(_mm512_permutex2var_ps(low, k[i.value], high));
            g[i.value] = decltype(row)::value == 0
                             ? coefficient
                             : multiply_add<Arch>(g[i.value], difference[i.value], coefficient);
        });
    });
    unroll<N>([&](auto i) PF_LAMBDA_INLINE {
        float* value = values + i.value * kLanes<Arch>;
        // max returns its second operand when one is NaN.
        store<Arch>(value, xsimd::max(V(0.0f), load<Arch>(value)) - g[i.value]);
    });
}

}  // namespace pf::kernels::simd
