// Declares the tables that the target files define.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"

namespace pf::kernels {

const KernelTable& sse4_1_table();
const KernelTable& avx2_table();
const KernelTable& avx2_block16_table();  // tests run block 16 on CPUs without AVX-512
const KernelTable& avx512_table();

}  // namespace pf::kernels
