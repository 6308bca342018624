// make_table: fills the kernel table of one architecture and block size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/simd/add_partials.hpp"
#include "kernels/simd/channel_mlp.hpp"
#include "kernels/simd/fma_probe.hpp"
#include "kernels/simd/gemm_convolution.hpp"
#include "kernels/simd/head.hpp"
#include "kernels/simd/map_statistics.hpp"
#include "kernels/simd/pool_mix.hpp"
#include "kernels/simd/winograd_convolution.hpp"

namespace pf::kernels::simd {

// MaxRows: rows of the GEMM micro-kernel. The result is a constant: reading a table runs no
// instruction of its architecture.
template <class Arch, std::size_t Block, std::size_t MaxRows>
constexpr KernelTable make_table(Isa isa, const char* name) {
    static_assert(kPanel<Arch> % Block == 0 && kDepthGroup % Block == 0, "no block is cut");
    return {
        .isa = isa,
        .name = name,
        .block = Block,
        .panel = kPanel<Arch>,
        .gemm_convolution = &GemmConvolution<Arch, Block, MaxRows>::run,
        .winograd_convolution = &WinogradConvolution<Arch, Block, MaxRows>::run,
        .pool_mix = &PoolMix<Arch, Block>::run,
        .map_statistics = &MapStatistics<Arch, Block>::run,
        .channel_mlp = &ChannelMlp<Arch, Block, MaxRows>::run,
        .mlp_hidden = &ChannelMlp<Arch, Block, MaxRows>::run_hidden,
        .mlp_outputs = &ChannelMlp<Arch, Block, MaxRows>::run_outputs,
        .channel_means = &ChannelMeans<Arch, Block>::run,
        .linear = &Linear<Arch>::run,
        .add_partials = &AddPartials<Arch>::run,
        .fma_probe = &FmaProbe<Arch>::run,
    };
}

}  // namespace pf::kernels::simd
