// Kernels for AVX2 with FMA. Compiled with -mavx2 -mfma.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/simd/make_table.hpp"
#include "kernels/targets/tables.hpp"

const pf::kernels::KernelTable& pf::kernels::avx2_table() {
    static constexpr KernelTable kTable =
        simd::make_table<xsimd::fma3<xsimd::avx2>, 8, 6>(Isa::avx2, "avx2");
    return kTable;
}

const pf::kernels::KernelTable& pf::kernels::avx2_block16_table() {
    static constexpr KernelTable kTable =
        simd::make_table<xsimd::fma3<xsimd::avx2>, 16, 6>(Isa::avx2, "avx2_block16");
    return kTable;
}
