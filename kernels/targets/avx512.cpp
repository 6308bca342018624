// Kernels for AVX-512 F, BW, CD and DQ. Compiled with -mavx512f -mavx512bw -mavx512cd -mavx512dq.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/simd/make_table.hpp"
#include "kernels/targets/tables.hpp"

const pf::kernels::KernelTable& pf::kernels::avx512_table() {
    static constexpr KernelTable kTable =
        simd::make_table<xsimd::avx512bw, 16, 12>(Isa::avx512, "avx512");
    return kTable;
}
