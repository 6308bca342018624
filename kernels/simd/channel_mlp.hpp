// channel_mlp: normalise, fc1, GELU, fc2, residual and statistics, tile by tile of pixels.
// SPDX-License-Identifier: Apache-2.0
//
// A tile of up to 50 pixels is normalised into [depth group][row][16]. For each chunk of hidden
// channels, fc1 fills a hidden tile of the same form (bias starts the sums, GELU ends them) and fc2
// adds the chunk to the outputs; the last chunk's outputs get the residual and leave for the map.
// The weight panel is the outer loop: it stays in L1 or L2 while the tile's rows pass by, and the
// next panel is prefetched.
#pragma once

#include <array>

#include "kernels/simd/gelu.hpp"
#include "kernels/simd/gemm_tile.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block, std::size_t MaxRows>
class ChannelMlp {
  public:
    static void run(const ChannelMlpArgs& args) {
        const std::size_t num_tiles = divide_up(args.pixels.size(), kMaxTilePixels);
        for (std::size_t i = 0; i < num_tiles; ++i) {
            const Range part = split(args.pixels.size(), num_tiles, i);
            run_tile(Tile(args, args.pixels.begin + part.begin, part.size()));
        }
    }

  private:
    static constexpr std::size_t kL = kLanes<Arch>;
    static constexpr std::size_t kP = kPanel<Arch>;

    // One tile of pixels and its scratch.
    struct Tile {
        Tile(const ChannelMlpArgs& args, std::size_t first_pixel, std::size_t num_rows)
            : args(args),
              src(args.src + first_pixel * Block),
              dst(args.dst + first_pixel * Block),
              partials(args.partials == nullptr ? nullptr : args.partials + first_pixel),
              rows(num_rows),
              block_stride(args.num_pixels * Block) {
            const MlpLayout& layout = args.layout;
            input = args.scratch;
            hidden = input + kMaxTilePixels * layout.depth();
            output = hidden + kMaxTilePixels * (kMaxHiddenChunk + layout.hidden_group());
            sums = output + kMaxTilePixels * layout.outputs();
            shift = sums + kMaxTilePixels * kP;
        }

        // Where output channel `channel` of row 0 lies in a map that starts at this tile.
        std::size_t map_offset(std::size_t channel) const {
            return channel / Block * block_stride + channel % Block;
        }
        std::size_t num_row_blocks() const { return divide_up(rows, MaxRows); }

        const ChannelMlpArgs& args;
        const float* src;
        float* dst;
        Partial* partials;
        std::size_t rows;
        std::size_t block_stride;
        float* input;   // [depth / 16][rows][16]
        float* hidden;  // [chunk / 16][rows][16]
        float* output;  // [outputs / panel][rows][panel]: sums between chunks
        float* sums;    // [rows][2 vectors]: running sum and sum of squares of each pixel
        float* shift;   // [outputs]: args.shift, 0 for padded channels
    };

    // What fc2 does with one chunk.
    struct Fc2Step {
        std::size_t channel;  // the panel's first output
        bool first_chunk;
        bool last_chunk;
        const float* panel;
        std::size_t depth;
        Prefetch prefetch;
    };

    static void run_tile(const Tile& tile) {
        const MlpLayout& layout = tile.args.layout;
        normalise(tile);
        clear_statistics(tile);
        for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
            run_fc1(tile, chunk);
            run_fc2(tile, chunk);
        }
        if (tile.partials != nullptr) write_partials(tile);
    }

    static void normalise(const Tile& tile) {
        const Vec<Arch> mean(tile.args.mean);
        const Vec<Arch> rstd(tile.args.rstd);
        const std::size_t padded_channels = round_up(tile.args.layout.channels, Block);
        for (std::size_t c = 0; c < tile.args.layout.depth(); c += kL) {
            float* to = tile.input + c / kDepthGroup * tile.rows * kDepthGroup + c % kDepthGroup;
            if (c >= padded_channels) {
                for (std::size_t r = 0; r < tile.rows; ++r) {
                    store<Arch>(to + r * kDepthGroup, Vec<Arch>(0.0f));
                }
                continue;
            }
            const float* from = tile.src + tile.map_offset(c);
            for (std::size_t r = 0; r < tile.rows; ++r) {
                store<Arch>(to + r * kDepthGroup, (load<Arch>(from + r * Block) - mean) * rstd);
            }
        }
    }

    static void clear_statistics(const Tile& tile) {
        for (std::size_t i = 0; i < tile.rows * kP; ++i) tile.sums[i] = 0;
        for (std::size_t c = 0; c < tile.args.layout.outputs(); c += kL) {
            store<Arch>(tile.shift + c,
                        masked_shift<Arch>(tile.args.shift, c, tile.args.layout.channels));
        }
    }

    static void write_partials(const Tile& tile) {
        for (std::size_t r = 0; r < tile.rows; ++r) {
            const float* sums = tile.sums + r * kP;
            tile.partials[r] = {sum_lanes<Arch>(load<Arch>(sums)),
                                sum_lanes<Arch>(load<Arch>(sums + kL))};
        }
    }

    // The next panel's lines, shared out over the passes of the row blocks over this one.
    static Prefetch prefetch_from(const float* next_panel, std::size_t depth, const Tile& tile,
                                  std::size_t row_block) {
        constexpr std::size_t kLinesPerGroup = kDepthGroup * kP / 16;
        const std::size_t lines = divide_up(kLinesPerGroup, tile.num_row_blocks());
        return {next_panel + row_block * lines * (depth / kDepthGroup) * 16, lines};
    }

    static void run_fc1(const Tile& tile, std::size_t chunk) {
        const MlpLayout& layout = tile.args.layout;
        const Range hidden = layout.chunk(chunk);
        const float* panel = tile.args.weights + layout.fc1_offset(chunk);
        for (std::size_t h = 0; h < hidden.size(); h += kP, panel += kP * layout.depth()) {
            const float* next = panel + kP * layout.depth();
            for (std::size_t i = 0; i < tile.num_row_blocks(); ++i) {
                const Range rows = split(tile.rows, tile.num_row_blocks(), i);
                kFc1Rows[rows.size()](tile, rows.begin, h, panel, hidden.begin,
                                      prefetch_from(next, layout.depth(), tile, i));
            }
        }
    }

    static void run_fc2(const Tile& tile, std::size_t chunk) {
        const MlpLayout& layout = tile.args.layout;
        const std::size_t depth = layout.chunk(chunk).size();
        const float* panel = tile.args.weights + layout.fc2_offset(chunk);
        for (std::size_t c = 0; c < layout.outputs(); c += kP, panel += kP * depth) {
            const float* next = panel + kP * depth;
            for (std::size_t i = 0; i < tile.num_row_blocks(); ++i) {
                const Range rows = split(tile.rows, tile.num_row_blocks(), i);
                const Fc2Step step{c,     chunk == 0, chunk + 1 == layout.num_chunks(),
                                   panel, depth,      prefetch_from(next, depth, tile, i)};
                kFc2Rows[rows.size()](tile, rows.begin, step);
            }
        }
    }

    // Rows [first_row, first_row + Rows) of the hidden tile, channels [h, h + panel) of the chunk.
    template <std::size_t Rows>
    __attribute__((noinline)) static void fc1_rows(const Tile& tile, std::size_t first_row,
                                                   std::size_t h, const float* panel,
                                                   std::size_t chunk_begin, Prefetch prefetch) {
        Accumulators<Arch, Rows> accumulators;
        accumulators.fill(tile.args.fc1_bias + chunk_begin + h);
        const std::size_t group_stride = tile.rows * kDepthGroup;
        multiply_panel<Arch, Rows>(tile.input + first_row * kDepthGroup, group_stride, panel,
                                   tile.args.layout.depth(), prefetch, accumulators);
        unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = h + v.value * kL;
            float* to = tile.hidden + channel / kDepthGroup * group_stride +
                        first_row * kDepthGroup + channel % kDepthGroup;
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                store<Arch>(to + r.value * kDepthGroup,
                            gelu<Arch>(accumulators.sums[r.value][v.value]));
            });
        });
    }

    template <std::size_t Rows>
    __attribute__((noinline)) static void fc2_rows(const Tile& tile, std::size_t first_row,
                                                   const Fc2Step& step) {
        Accumulators<Arch, Rows> accumulators;
        float* between = tile.output + (step.channel * tile.rows + first_row * kP);
        // Each chunk is summed from zero and then added to the sums before it: one chain over all
        // hidden channels would round up to twice as far from the truth.
        if (step.first_chunk) {
            accumulators.fill(tile.args.fc2_bias + step.channel);
        } else {
            accumulators.clear();
        }
        multiply_panel<Arch, Rows>(tile.hidden + first_row * kDepthGroup, tile.rows * kDepthGroup,
                                   step.panel, step.depth, step.prefetch, accumulators);
        if (!step.first_chunk) {
            for_each_sum(accumulators, [&](auto r, auto v, Vec<Arch>& sum) PF_LAMBDA_INLINE {
                sum += load<Arch>(between + r.value * kP + v.value * kL);
            });
        }
        if (step.last_chunk) {
            write_outputs(tile, first_row, step.channel, accumulators);
        } else {
            for_each_sum(accumulators, [&](auto r, auto v, const Vec<Arch>& sum) PF_LAMBDA_INLINE {
                store<Arch>(between + r.value * kP + v.value * kL, sum);
            });
        }
    }

    template <std::size_t Rows, class Body>
    PF_INLINE static void for_each_sum(Accumulators<Arch, Rows>& accumulators, Body&& body) {
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            body(r, Index<0>{}, accumulators.sums[r.value][0]);
            body(r, Index<1>{}, accumulators.sums[r.value][1]);
        });
    }

    // Adds the residual, stores to the map, and adds to each pixel's running statistics.
    template <std::size_t Rows>
    PF_INLINE static void write_outputs(const Tile& tile, std::size_t first_row,
                                        std::size_t panel_channel,
                                        Accumulators<Arch, Rows>& accumulators) {
        const std::size_t padded_channels = round_up(tile.args.layout.channels, Block);
        unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = panel_channel + v.value * kL;
            if (channel >= padded_channels) return;
            const std::size_t offset = tile.map_offset(channel) + first_row * Block;
            const Vec<Arch> shift = load<Arch>(tile.shift + channel);
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                const Vec<Arch> value = load<Arch>(tile.src + offset + r.value * Block) +
                                        accumulators.sums[r.value][v.value];
                store<Arch>(tile.dst + offset + r.value * Block, value);
                float* sums = tile.sums + (first_row + r.value) * kP;
                RunningSums<Arch> running{load<Arch>(sums), load<Arch>(sums + kL)};
                running.add(value, shift);
                store<Arch>(sums, running.sum);
                store<Arch>(sums + kL, running.sum_of_squares);
            });
        });
    }

    // One function per number of rows; entry 0 is never called.
    template <std::size_t... I>
    static constexpr auto make_fc1_rows(std::index_sequence<I...>) {
        return std::array{static_cast<decltype(&fc1_rows<1>)>(nullptr), &fc1_rows<I + 1>...};
    }
    template <std::size_t... I>
    static constexpr auto make_fc2_rows(std::index_sequence<I...>) {
        return std::array{static_cast<decltype(&fc2_rows<1>)>(nullptr), &fc2_rows<I + 1>...};
    }
    static constexpr auto kFc1Rows = make_fc1_rows(std::make_index_sequence<MaxRows>());
    static constexpr auto kFc2Rows = make_fc2_rows(std::make_index_sequence<MaxRows>());
};

}  // namespace pf::kernels::simd
