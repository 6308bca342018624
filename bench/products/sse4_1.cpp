// mlp_products, compiled for this instruction set.
// SPDX-License-Identifier: Apache-2.0
#include "bench/products/products.hpp"
#include "bench/products/simd.hpp"

void pf::bench::mlp_products_sse4_1(const kernels::ChannelMlpArgs& args) {
    MlpProducts<xsimd::sse4_1, 6>::run(args);
}
