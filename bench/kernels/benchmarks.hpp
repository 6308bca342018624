// One function per kernel: registers its benchmarks for one instruction set, at all real shapes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"

namespace pf::bench {

void add_fma_probe(const kernels::KernelTable& table);
void add_convolutions(const kernels::KernelTable& table);
void add_pool_mix(const kernels::KernelTable& table);
void add_copy_map(const kernels::KernelTable& table);  // what pool_mix is held against
void add_map_statistics(const kernels::KernelTable& table);
void add_channel_mlp(const kernels::KernelTable& table);
void add_channel_means(const kernels::KernelTable& table);
void add_linear(const kernels::KernelTable& table);
void add_add_partials(const kernels::KernelTable& table);

}  // namespace pf::bench
