// gemm_convolution: a convolution of a blocked map, tile by tile of output pixels.
// SPDX-License-Identifier: Apache-2.0
//
// For each chunk of the depth, the windows of a tile of output pixels are gathered into [depth
// group][row][16], and every panel of outputs is multiplied with them. The sums of a panel wait in
// scratch between chunks; the last chunk's leave for the map.
#pragma once

#include "kernels/simd/gemm_tile.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block, std::size_t MaxRows>
class GemmConvolution {
  public:
    static void run(const GemmConvolutionArgs& args) {
        for_each_tile<MaxRows, tile_pixels(kP)>(args.units,
                                                [&](std::size_t first_pixel, std::size_t num_rows) {
                                                    run_tile(Tile(args, first_pixel, num_rows));
                                                });
    }

  private:
    static constexpr std::size_t kL = kLanes<Arch>;
    static constexpr std::size_t kP = kPanel<Arch>;

    // One tile of output pixels and its scratch.
    struct Tile {
        Tile(const GemmConvolutionArgs& args, std::size_t first_pixel, std::size_t num_rows)
            : args(args),
              first_pixel(first_pixel),
              rows(num_rows),
              windows(args.scratch),
              output(windows + num_rows * kMaxConvolutionChunk * kDepthGroup) {}

        const GemmConvolutionArgs& args;
        std::size_t first_pixel;
        std::size_t rows;
        float* windows;  // [depth group in chunk][rows][16]
        float* output;   // [outputs / panel][rows][panel]: sums between chunks
    };

    static void run_tile(const Tile& tile) {
        const GemmConvolutionLayout& layout = tile.args.layout;
        for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
            const Range groups = layout.chunk(chunk);
            for (std::size_t group = groups.begin; group < groups.end; ++group) {
                gather(tile, group,
                       tile.windows + (group - groups.begin) * tile.rows * kDepthGroup);
            }
            multiply_chunk(tile, chunk);
        }
    }

    // The 16 input channels of one tap for every row of the tile: to[row][16].
    static void gather(const Tile& tile, std::size_t group, float* to) {
        const GemmConvolutionArgs& args = tile.args;
        const std::size_t tap = group % args.layout.taps();
        const std::size_t top = tap / args.layout.kernel - args.padding;  // wraps below zero
        const std::size_t left = tap % args.layout.kernel - args.padding;
        const std::size_t first_block = group / args.layout.taps() * (kDepthGroup / Block);
        const std::size_t num_blocks = divide_up(args.layout.in_channels, Block);
        const std::size_t plane = args.in_height * args.in_width * Block;
        for (std::size_t b = 0; b < kDepthGroup / Block; ++b, to += Block) {
            const bool has_block = first_block + b < num_blocks;
            const float* from = args.src + (first_block + b) * plane;
            std::size_t y = tile.first_pixel / args.out_width;
            std::size_t x = tile.first_pixel % args.out_width;
            for (std::size_t r = 0; r < tile.rows; ++r) {
                const std::size_t in_y = y * args.stride + top;
                const std::size_t in_x = x * args.stride + left;
                if (has_block && in_y < args.in_height && in_x < args.in_width) {
                    copy_block(from + (in_y * args.in_width + in_x) * Block, to + r * kDepthGroup);
                } else {
                    clear_block(to + r * kDepthGroup);
                }
                if (++x == args.out_width) {
                    x = 0;
                    ++y;
                }
            }
        }
    }

    PF_INLINE static void copy_block(const float* from, float* to) {
        unroll<Block / kL>([&](auto v) PF_LAMBDA_INLINE {
            store<Arch>(to + v.value * kL, load<Arch>(from + v.value * kL));
        });
    }

    PF_INLINE static void clear_block(float* to) {
        unroll<Block / kL>(
            [&](auto v) PF_LAMBDA_INLINE { store<Arch>(to + v.value * kL, Vec<Arch>(0.0f)); });
    }

    // A panel of a chunk's weights; of the chunk after the last, the weights' end.
    static const float* panel_of(const Tile& tile, std::size_t chunk, std::size_t panel) {
        const GemmConvolutionLayout& layout = tile.args.layout;
        if (chunk == layout.num_chunks()) return tile.args.weights + layout.weight_floats();
        return tile.args.weights + layout.chunk_offset(chunk) +
               panel * kP * layout.chunk(chunk).size() * kDepthGroup;
    }

    static void multiply_chunk(const Tile& tile, std::size_t chunk) {
        const GemmConvolutionLayout& layout = tile.args.layout;
        const std::size_t depth = layout.chunk(chunk).size() * kDepthGroup;
        const std::size_t num_blocks = divide_up(tile.rows, MaxRows);
        const Range panels = tile.args.panels;
        for (std::size_t i = panels.begin; i < panels.end; ++i) {
            const float* next = i + 1 < panels.end ? panel_of(tile, chunk, i + 1)
                                                   : panel_of(tile, chunk + 1, panels.begin);
            ChunkStep<Arch> step{i * kP,
                                 chunk == 0,
                                 chunk + 1 == layout.num_chunks(),
                                 panel_of(tile, chunk, i),
                                 depth,
                                 Prefetch<Arch>::share(next, num_blocks)};
            for_each_row_block(tile.rows, num_blocks, [&](std::size_t first, std::size_t rows) {
                kRows[rows](tile, first, step);
                step.prefetch.skip_pass(depth);
            });
        }
    }

    template <std::size_t Rows>
    __attribute__((noinline)) static void conv_rows(const Tile& tile, std::size_t first_row,
                                                    const ChunkStep<Arch>& step) {
        float* between = tile.output + (step.channel * tile.rows + first_row * kP);
        Accumulators<Arch, Rows> accumulators;
        sum_chunk<Arch, Rows>(step, tile.args.bias, tile.windows + first_row * kDepthGroup,
                              tile.rows * kDepthGroup, between, accumulators);
        if (step.is_last) {
            write_outputs(tile, first_row, step.channel, accumulators);
        } else {
            accumulators.store_to(between);
        }
    }

    template <std::size_t Rows>
    PF_INLINE static void write_outputs(const Tile& tile, std::size_t first_row,
                                        std::size_t panel_channel,
                                        const Accumulators<Arch, Rows>& accumulators) {
        const std::size_t padded_channels = round_up(tile.args.layout.out_channels, Block);
        unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = panel_channel + v.value * kL;
            if (channel >= padded_channels) return;
            float* to = tile.args.dst +
                        channel / Block * tile.args.out_height * tile.args.out_width * Block +
                        (tile.first_pixel + first_row) * Block + channel % Block;
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                store<Arch>(to + r.value * Block, accumulators.sums[r.value][v.value]);
            });
        });
    }

    template <std::size_t Rows>
    struct MakeRows {
        static constexpr auto function = &conv_rows<Rows>;
    };
    static constexpr auto kRows = functions_by_rows<MakeRows, MaxRows>();
};

}  // namespace pf::kernels::simd
