// mlp_products as a template on the architecture.
// SPDX-License-Identifier: Apache-2.0
//
// No norm, GELU, residual or statistics; nothing is stored or prefetched; and one panel of weights,
// which stays where it is, stands for all. Only the tile is read from where it would be.
#pragma once

#include "kernels/simd/gemm_tile.hpp"

namespace pf::bench {

template <class Arch, std::size_t MaxRows>
class MlpProducts {
  public:
    static void run(const kernels::ChannelMlpArgs& args) {
        using kernels::simd::for_each_tile;
        const kernels::MlpLayout& layout = args.layout;
        for_each_tile<MaxRows, kernels::tile_pixels(kP)>(
            args.pixels, [&](std::size_t, std::size_t rows) {
                const float* input = args.scratch;
                const float* hidden = input + rows * layout.depth();
                for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
                    const std::size_t chunk_channels = layout.chunk(chunk).size();
                    multiply({input, rows, layout.depth(), args.weights}, chunk_channels / kP);
                    multiply({hidden, rows, chunk_channels, args.weights}, layout.num_panels());
                }
            });
    }

  private:
    static constexpr std::size_t kP = kernels::simd::kPanel<Arch>;

    struct Product {
        const float* tile;  // [depth / 16][rows][16]
        std::size_t rows;
        std::size_t depth;
        const float* panel;
    };

    struct NoSideWork {
        PF_INLINE void advance() {}
    };

    static void multiply(const Product& product, std::size_t num_panels) {
        const std::size_t num_blocks = kernels::divide_up(product.rows, MaxRows);
        for (std::size_t panel = 0; panel < num_panels; ++panel) {
            kernels::simd::for_each_row_block(
                product.rows, num_blocks,
                [&](std::size_t first, std::size_t rows) { kMultiplyRows[rows](product, first); });
        }
    }

    template <std::size_t Rows>
    __attribute__((noinline)) static void multiply_rows(const Product& product,
                                                        std::size_t first_row) {
        using namespace kernels::simd;
        Accumulators<Arch, Rows> accumulators;
        accumulators.clear();
        NoSideWork nothing;
        multiply_panel<Arch, Rows>(product.tile + first_row * kernels::kDepthGroup,
                                   product.rows * kernels::kDepthGroup, product.panel,
                                   product.depth, nothing, accumulators);
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            keep_alive<Arch>(accumulators.sums[r.value][0]);
            keep_alive<Arch>(accumulators.sums[r.value][1]);
        });
    }

    template <std::size_t Rows>
    struct MakeMultiplyRows {
        static constexpr auto function = &multiply_rows<Rows>;
    };
    static constexpr auto kMultiplyRows =
        kernels::simd::functions_by_rows<MakeMultiplyRows, MaxRows>();
};

}  // namespace pf::bench
