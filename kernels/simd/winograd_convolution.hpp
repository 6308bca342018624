// winograd_convolution: a 3x3 convolution of stride 2 by quads, with fewer multiplications.
// SPDX-License-Identifier: Apache-2.0
//
// Two outputs y below each other read five rows r of the map through the kernel's rows k:
//     y0 = k0 r0 + k1 r1 + k2 r2
//     y1 = k0 r2 + k1 r3 + k2 r4
// which is the same as
//     t0 = k0 (r0 - r2) + k1 r1,  t1 = (k0 + k2) r2,  t2 = k2 (r4 - r2) + k1 r3
//     y0 = t0 + t1,  y1 = t1 + t2
// with five products instead of six. The even rows r0, r2, r4 meet k0 and k2 only: a filter of two
// taps with two outputs, which Winograd computes with three products instead of four (Arithmetic
// Complexity of Computations, 1980; Lavin and Gray, arXiv 1509.09308). The odd rows r1, r3 meet k1
// only, one product each, added to the term that belongs to their output alone. Rows and columns
// alike, a quad of 2x2 outputs takes 25 instead of 36. Each output still depends on its own window
// only, and sums and differences are all that is added: the error is up to 1.6 times that of the
// plain product.
//
// A tile of quads is gathered into the 25 planes of these differences, [plane][depth group][row]
// [16], and a panel of outputs at a time multiplied into the nine terms, which become pixels.
#pragma once

#include "kernels/simd/gemm_tile.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block, std::size_t MaxRows>
class WinogradConvolution {
  public:
    static void run(const WinogradConvolutionArgs& args) {
        for_each_tile<MaxRows, kTileQuads>(args.units,
                                           [&](std::size_t first_quad, std::size_t num_rows) {
                                               run_tile(Tile(args, first_quad, num_rows));
                                           });
    }

  private:
    static constexpr std::size_t kL = kLanes<Arch>;
    static constexpr std::size_t kP = kPanel<Arch>;
    static constexpr std::size_t kSide = WinogradLayout::kPlaneSide;
    static constexpr std::size_t kTermSide = WinogradLayout::kTermSide;
    static constexpr std::size_t kMiddle = 2;  // the pixel that both outputs read

    // A plane is one row (or column) of the window, or its difference from the middle one.
    static constexpr std::size_t kPixelOfPlane[kSide] = {0, 1, 2, 4, 3};
    static constexpr bool kIsDifference[kSide] = {true, false, false, true, false};

    alignas(64) static constexpr float kZeros[kP] = {};

    // One tile of quads and its scratch.
    struct Tile {
        Tile(const WinogradConvolutionArgs& args, std::size_t first_quad, std::size_t num_rows)
            : args(args),
              first_quad(first_quad),
              rows(num_rows),
              planes(args.scratch),
              terms(planes + num_rows * args.layout.depth()) {}

        const WinogradConvolutionArgs& args;
        std::size_t first_quad;
        std::size_t rows;
        float* planes;  // [plane][depth group][rows][16]
        float* terms;   // [term][rows][panel]
    };

    // Calls body(row, y, x) for every quad of a tile; y and x count quads.
    template <class Body>
    PF_INLINE static void for_each_quad(const Tile& tile, Body&& body) {
        const std::size_t quads_wide = divide_up(tile.args.out_width, 2);
        std::size_t y = tile.first_quad / quads_wide;
        std::size_t x = tile.first_quad % quads_wide;
        for (std::size_t row = 0; row < tile.rows; ++row) {
            body(row, y, x);
            if (++x == quads_wide) {
                x = 0;
                ++y;
            }
        }
    }

    static void run_tile(const Tile& tile) {
        const WinogradLayout& layout = tile.args.layout;
        for (std::size_t c = 0; c < layout.groups_of_plane() * kDepthGroup; c += kL) {
            unroll<kSide>([&](auto y) PF_LAMBDA_INLINE { gather<y.value>(tile, c); });
        }
        const Range panels = tile.args.panels;
        const float* weights = tile.args.weights + panels.begin * kP * layout.depth();
        for (std::size_t c = panels.begin * kP; c < panels.end * kP; c += kP) {
            for (std::size_t term = 0; term < WinogradLayout::kTerms; ++term) {
                weights = multiply(tile, term, c, weights);
            }
            write_panel(tile, c);
        }
    }

    // One vector of channels in row PlaneY of the planes. Five planes at a time: with all 25, each
    // line that is written waited for its turn in the cache, and gathering took three times as long
    // (AVX-512, EPYC Turin, 2026-11-30).
    template <std::size_t PlaneY>
    __attribute__((noinline)) static void gather(const Tile& tile, std::size_t channel) {
        const WinogradConvolutionArgs& args = tile.args;
        const std::size_t group_stride = tile.rows * kDepthGroup;
        const std::size_t plane_stride = args.layout.groups_of_plane() * group_stride;
        float* const to =
            tile.planes + channel / kDepthGroup * group_stride + channel % kDepthGroup;
        const Channels map(args, channel);
        for_each_quad(tile, [&](std::size_t row, std::size_t y, std::size_t x) PF_LAMBDA_INLINE {
            const std::size_t top = 4 * y - args.padding;  // wraps below zero
            const std::size_t left = 4 * x - args.padding;
            Vec<Arch> pixels[kSide];
            map.read(top + kPixelOfPlane[PlaneY], left, pixels);
            if constexpr (kIsDifference[PlaneY]) {
                Vec<Arch> middle[kSide];
                map.read(top + kMiddle, left, middle);
                unroll<kSide>([&](auto i) PF_LAMBDA_INLINE { pixels[i.value] -= middle[i.value]; });
            }
            unroll<kSide>([&](auto plane_x) PF_LAMBDA_INLINE {
                constexpr std::size_t kPlaneX = plane_x.value;
                Vec<Arch> value = pixels[kPixelOfPlane[kPlaneX]];
                if constexpr (kIsDifference[kPlaneX]) value -= pixels[kMiddle];
                store<Arch>(to + kPlace<PlaneY, kPlaneX> * plane_stride + row * kDepthGroup, value);
            });
        });
    }

    // Where a plane lies: those of a term follow each other.
    static constexpr std::size_t term_of(std::size_t plane) {
        std::size_t term = 0;
        while (WinogradLayout::planes_of_term(term).end <= plane) ++term;
        return term;
    }
    template <std::size_t PlaneY, std::size_t PlaneX>
    static constexpr std::size_t kPlace = [] {
        const std::size_t term_y = term_of(PlaneY), term_x = term_of(PlaneX);
        const Range columns = WinogradLayout::planes_of_term(term_x);
        return WinogradLayout::first_plane(term_y, term_x) +
               (PlaneY - WinogradLayout::planes_of_term(term_y).begin) * columns.size() + PlaneX -
               columns.begin;
    }();

    // One vector of channels of the source.
    struct Channels {
        Channels(const WinogradConvolutionArgs& args, std::size_t channel)
            : pixels(args.src), width(args.in_width) {
            if (channel >= round_up(args.layout.in_channels, Block)) return;
            pixels += channel / Block * args.in_height * args.in_width * Block + channel % Block;
            height = args.in_height;
        }

        // Five pixels of row y from column `left` on; zero outside the map.
        PF_INLINE void read(std::size_t y, std::size_t left, Vec<Arch> (&to)[kSide]) const {
            if (y < height && left < width && left + kSide <= width) {
                const float* from = pixels + (y * width + left) * Block;
                unroll<kSide>([&](auto i) PF_LAMBDA_INLINE {
                    to[i.value] = load<Arch>(from + i.value * Block);
                });
            } else {
                unroll<kSide>([&](auto i) PF_LAMBDA_INLINE {
                    const std::size_t x = left + i.value;
                    const bool is_inside = y < height && x < width;
                    to[i.value] =
                        is_inside ? load<Arch>(pixels + (y * width + x) * Block) : Vec<Arch>(0.0f);
                });
            }
        }

        const float* pixels;
        std::size_t height = 0;  // of a block that the map does not have
        std::size_t width;
    };

    // One term of a panel of outputs; returns where the next one's weights lie. The middle term is
    // part of all four pixels, and so starts from the bias.
    static const float* multiply(const Tile& tile, std::size_t term, std::size_t channel,
                                 const float* weights) {
        const std::size_t term_y = term / kTermSide, term_x = term % kTermSide;
        const WinogradLayout& layout = tile.args.layout;
        const std::size_t num_groups = layout.groups_of_term(term_y, term_x);
        const std::size_t group_stride = tile.rows * kDepthGroup;
        const float* planes = tile.planes + WinogradLayout::first_plane(term_y, term_x) *
                                                layout.groups_of_plane() * group_stride;
        const bool is_middle = term == WinogradLayout::kTerms / 2;
        Terms to{is_middle ? tile.args.bias + channel : kZeros, group_stride,
                 tile.terms + term * tile.rows * kP};
        const std::size_t num_blocks = divide_up(tile.rows, MaxRows);
        const std::size_t num_chunks = divide_up(num_groups, kMaxConvolutionChunk);
        for (std::size_t chunk = 0; chunk < num_chunks; ++chunk) {
            const std::size_t depth = split(num_groups, num_chunks, chunk).size() * kDepthGroup;
            ChunkStep<Arch> step{0,       chunk == 0, chunk + 1 == num_chunks,
                                 weights, depth,      prefetch_behind(weights, num_blocks)};
            for_each_row_block(tile.rows, num_blocks, [&](std::size_t first, std::size_t rows) {
                kRows[rows](planes + first * kDepthGroup, to, first, step);
                step.prefetch.skip_pass(depth);
            });
            planes += depth * tile.rows;
            weights += depth * kP;
        }
        return weights;
    }

    // The longest chunk ahead: chunks differ, and all weights are to be asked for once.
    static Prefetch<Arch> prefetch_behind(const float* weights, std::size_t num_blocks) {
        return Prefetch<Arch>::share(weights + kMaxConvolutionChunk * kDepthGroup * kP, num_blocks);
    }

    struct Terms {
        const float* start;        // [panel]: what a sum starts from
        std::size_t group_stride;  // of the planes
        float* sums;               // [rows][panel]
    };

    template <std::size_t Rows>
    __attribute__((noinline)) static void term_rows(const float* planes, const Terms& to,
                                                    std::size_t first_row,
                                                    const ChunkStep<Arch>& step) {
        float* sums = to.sums + first_row * kP;
        Accumulators<Arch, Rows> accumulators;
        sum_chunk<Arch, Rows>(step, to.start, planes, to.group_stride, sums, accumulators);
        accumulators.store_to(sums);
    }

    static void write_panel(const Tile& tile, std::size_t panel_channel) {
        const WinogradConvolutionArgs& args = tile.args;
        const std::size_t padded_channels = round_up(args.layout.out_channels, Block);
        const std::size_t num_pixels = args.out_height * args.out_width;
        for_each_quad(tile, [&](std::size_t row, std::size_t y, std::size_t x) PF_LAMBDA_INLINE {
            const bool has_below = 2 * y + 1 < args.out_height;
            const bool has_right = 2 * x + 1 < args.out_width;
            unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
                const std::size_t channel = panel_channel + v.value * kL;
                if (channel >= padded_channels) return;
                const Pixels pixels(tile.terms + row * kP + v.value * kL, tile.rows * kP);
                float* const to = args.dst + channel / Block * num_pixels * Block +
                                  (2 * y * args.out_width + 2 * x) * Block + channel % Block;
                store<Arch>(to, pixels.above[0]);
                if (has_right) store<Arch>(to + Block, pixels.above[1]);
                if (!has_below) return;
                float* const below = to + args.out_width * Block;
                store<Arch>(below, pixels.below[0]);
                if (has_right) store<Arch>(below + Block, pixels.below[1]);
            });
        });
    }

    // One vector of channels of a quad, from the terms at from[term * stride].
    struct Pixels {
        PF_INLINE Pixels(const float* from, std::size_t stride) {
            Vec<Arch> first[kTermSide], second[kTermSide];
            unroll<kTermSide>([&](auto i) PF_LAMBDA_INLINE {
                constexpr std::size_t kI = i.value;
                const Vec<Arch> middle = load<Arch>(from + (kTermSide + kI) * stride);
                first[kI] = load<Arch>(from + kI * stride) + middle;
                second[kI] = middle + load<Arch>(from + (2 * kTermSide + kI) * stride);
            });
            unroll<2>([&](auto i) PF_LAMBDA_INLINE {
                above[i.value] = first[i.value] + first[i.value + 1];
                below[i.value] = second[i.value] + second[i.value + 1];
            });
        }

        Vec<Arch> above[2], below[2];
    };

    template <std::size_t Rows>
    struct MakeRows {
        static constexpr auto function = &term_rows<Rows>;
    };
    static constexpr auto kRows = functions_by_rows<MakeRows, MaxRows>();
};

}  // namespace pf::kernels::simd
