// mlp_products: what is left of channel_mlp's time if it does nothing but multiply.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"

namespace pf::bench {

// As many multiply-adds as channel_mlp does for args.pixels, by the same micro-kernel in the same
// order of tiles, panels and rows. Reads args.scratch and the first panel of args.weights, and
// writes nothing. One for each instruction set, to be called only where the CPU has it.
void mlp_products_sse4_1(const kernels::ChannelMlpArgs& args);
void mlp_products_avx2(const kernels::ChannelMlpArgs& args);
void mlp_products_avx512(const kernels::ChannelMlpArgs& args);

}  // namespace pf::bench
