// Kernels for SSE4.1, the oldest CPUs supported. Compiled with -msse4.1.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/simd/make_table.hpp"
#include "kernels/targets/tables.hpp"

const pf::kernels::KernelTable& pf::kernels::sse4_1_table() {
    static constexpr KernelTable kTable =
        simd::make_table<xsimd::sse4_1, 8, 6>(Isa::sse4_1, "sse4_1");
    return kTable;
}
