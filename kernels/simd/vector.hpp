// What every SIMD kernel shares: the vector type, loads and stores, unrolling, horizontal sums.
// SPDX-License-Identifier: Apache-2.0
//
// Everything is a template on the architecture and forced inline: an ordinary inline function would
// leave one shared symbol built with one target's flags, for the linker to hand to any CPU.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <xsimd/xsimd.hpp>

#include "kernels/kernels.hpp"

#define PF_INLINE inline __attribute__((always_inline))
#define PF_LAMBDA_INLINE __attribute__((always_inline))

namespace pf::kernels::simd {

template <class Arch>
using Vec = xsimd::batch<float, Arch>;

template <class Arch>
inline constexpr std::size_t kLanes = Vec<Arch>::size;

template <std::size_t I>
struct Index {
    static constexpr std::size_t value = I;
};

// Calls body(Index<0>), ... body(Index<N - 1>) with nothing left of the loop. A plain loop over an
// array of accumulators made g++ 12 keep them in memory: 31 instead of 95 GFLOP/s (EPYC Milan).
template <std::size_t... I, class Body>
PF_INLINE constexpr void unroll(std::index_sequence<I...>, Body&& body) {
    (body(Index<I>{}), ...);
}

template <std::size_t N, class Body>
PF_INLINE constexpr void unroll(Body&& body) {
    unroll(std::make_index_sequence<N>{}, body);
}

template <class Arch>
PF_INLINE Vec<Arch> load(const float* from) {
    return Vec<Arch>::load_unaligned(from);
}

template <class Arch>
PF_INLINE void store(float* to, const Vec<Arch>& vector) {
    vector.store_unaligned(to);
}

// a * b + c, rounded once where the CPU can. xsimd 8.1 does not fuse it for AVX-512.
template <class Arch>
PF_INLINE Vec<Arch> multiply_add(const Vec<Arch>& a, const Vec<Arch>& b, const Vec<Arch>& c) {
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
        return Vec<Arch>(_mm512_fmadd_ps(a, b, c));
    } else {
        return xsimd::fma(a, b, c);
    }
}

// a * b - c, likewise.
template <class Arch>
PF_INLINE Vec<Arch> multiply_subtract(const Vec<Arch>& a, const Vec<Arch>& b, const Vec<Arch>& c) {
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
        return Vec<Arch>(_mm512_fmsub_ps(a, b, c));
    } else {
        return xsimd::fms(a, b, c);
    }
}

// c - a * b, likewise.
template <class Arch>
PF_INLINE Vec<Arch> negative_multiply_add(const Vec<Arch>& a, const Vec<Arch>& b,
                                          const Vec<Arch>& c) {
    if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
        return Vec<Arch>(_mm512_fnmadd_ps(a, b, c));
    } else {
        return xsimd::fnma(a, b, c);
    }
}

// No instruction: says that `vector` is needed up to here. Without it g++ 12 reuses the register of
// an FMA's factor for the sum, moves the sums around and spills some (tools/checks/hot_loops.py).
template <class Arch>
PF_INLINE void keep_alive(const Vec<Arch>& vector) {
    const typename Vec<Arch>::register_type bits = vector;
    asm volatile("" : : "v"(bits));
}

// Sum of the lanes, always halves onto halves.
template <class Arch>
PF_INLINE float sum_lanes(const Vec<Arch>& vector) {
    const typename Vec<Arch>::register_type lanes = vector;
    if constexpr (kLanes<Arch> == 16) {
        return sum_lanes<xsimd::avx2>(
            _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1)));
    } else if constexpr (kLanes<Arch> == 8) {
        return sum_lanes<xsimd::sse4_1>(
            _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1)));
    } else {
        const auto pairs = _mm_add_ps(lanes, _mm_movehl_ps(lanes, lanes));
        return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)));
    }
}

// Half a vector of floats in double.
template <class Arch>
using Doubles = xsimd::batch<double, Arch>;

// Float is a parameter only so that the intrinsics of other instruction sets need not be declared.
template <class Arch, class Float>
PF_INLINE Doubles<Arch> widen(const Float* from) {
    if constexpr (kLanes<Arch> == 16) {
        return _mm512_cvtps_pd(_mm256_loadu_ps(from));
    } else if constexpr (kLanes<Arch> == 8) {
        return _mm256_cvtps_pd(_mm_loadu_ps(from));
    } else {
        return _mm_cvtps_pd(
            _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
    }
}

// Sum of the lanes, in their order.
template <class Arch>
PF_INLINE double sum_lanes(const Doubles<Arch>& vector) {
    alignas(64) double lanes[Doubles<Arch>::size];
    vector.store_aligned(lanes);
    double sum = 0;
    for (const double lane : lanes) sum += lane;
    return sum;
}

// Running sum and sum of squares of (value - shift), lane by lane.
template <class Arch>
struct RunningSums {
    Vec<Arch> sum = Vec<Arch>(0.0f);
    Vec<Arch> sum_of_squares = Vec<Arch>(0.0f);

    PF_INLINE void add(const Vec<Arch>& value, const Vec<Arch>& shift) {
        const Vec<Arch> difference = value - shift;
        sum += difference;
        sum_of_squares = multiply_add<Arch>(difference, difference, sum_of_squares);
    }
    PF_INLINE Partial total() const {
        return {sum_lanes<Arch>(sum), sum_lanes<Arch>(sum_of_squares)};
    }
};

// shift in the lanes of channels [first, first + lanes) that exist, 0 in padded ones: a padded
// value is 0, so it adds nothing to the sums.
template <class Arch>
PF_INLINE Vec<Arch> masked_shift(float shift, std::size_t first, std::size_t channels) {
    if (first + kLanes<Arch> <= channels) return Vec<Arch>(shift);
    alignas(64) float lanes[kLanes<Arch>];
    for (std::size_t i = 0; i < kLanes<Arch>; ++i) lanes[i] = first + i < channels ? shift : 0.0f;
    return Vec<Arch>::load_aligned(lanes);
}

}  // namespace pf::kernels::simd
