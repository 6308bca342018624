// channel_mlp: normalise, fc1, GELU, fc2, residual and statistics, tile by tile of pixels.
// SPDX-License-Identifier: Apache-2.0
//
// A tile of pixels is normalised into [depth group][row][16]. For each chunk of hidden channels,
// fc1 fills a hidden tile of the same form (bias starts the sums, GELU ends them) and fc2 adds the
// chunk to the outputs; the last chunk's outputs get the residual and leave for the map. The
// statistics of the tile are taken when it is complete. The weight panel is the outer loop: it
// stays in L1 or L2 while the tile's rows pass by, and the next panel is prefetched.
//
// mlp_hidden and mlp_outputs do the same for some of the channels: all chunks of fc1, then all of
// fc2, with the hidden values of the whole map in memory that threads share.
#pragma once

#include "kernels/simd/gelu.hpp"
#include "kernels/simd/gemm_tile.hpp"
#include "kernels/simd/map_statistics.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block, std::size_t MaxRows>
class ChannelMlp {
  public:
    static void run(const ChannelMlpArgs& args) {
        for_each_tile<MaxRows, tile_pixels(kP)>(args.pixels,
                                                [&](std::size_t first_pixel, std::size_t num_rows) {
                                                    run_tile(Tile(args, first_pixel, num_rows));
                                                });
        if (args.by_channels) write_strips(args, {0, divide_up(args.layout.channels, Block)});
    }

    static void run_hidden(const ChannelMlpArgs& args) {
        for_each_shared_tile(args, [&](Tile& tile, float* hidden) {
            normalise(tile);
            for (std::size_t chunk = 0; chunk < args.layout.num_chunks(); ++chunk) {
                tile.hidden = hidden + args.layout.chunk(chunk).begin * tile.rows;
                run_fc1(tile, chunk, hidden_part(args, chunk));
            }
        });
    }

    static void run_outputs(const ChannelMlpArgs& args) {
        if (args.panels.size() == 0) return;
        for_each_shared_tile(args, [&](Tile& tile, float* hidden) {
            for (std::size_t chunk = 0; chunk < args.layout.num_chunks(); ++chunk) {
                tile.hidden = hidden + args.layout.chunk(chunk).begin * tile.rows;
                run_fc2(tile, chunk, output_part(args, chunk), next_hidden(tile, chunk));
            }
        });
        const std::size_t num_blocks = divide_up(args.layout.channels, Block);
        write_strips(args, {args.panels.begin * kP / Block,
                            std::min(args.panels.end * kP / Block, num_blocks)});
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
              partials(has_pixel_partials(args) ? args.partials + first_pixel : nullptr),
              rows(num_rows),
              block_stride(args.num_pixels() * Block) {
            const MlpLayout& layout = args.layout;
            input = args.scratch;
            hidden = input + rows * layout.depth();
            output = hidden + rows * (kMaxHiddenChunk + layout.hidden_group());
        }

        // Where output channel `channel` of row 0 lies in a map that starts at this tile.
        std::size_t map_offset(std::size_t channel) const {
            return channel / Block * block_stride + channel % Block;
        }

        const ChannelMlpArgs& args;
        const float* src;
        float* dst;
        Partial* partials;
        std::size_t rows;
        std::size_t block_stride;
        float* input;   // [depth / 16][rows][16]
        float* hidden;  // [chunk / 16][rows][16], of the chunk at hand
        float* output;  // [outputs / panel][rows][panel]: sums between chunks
    };

    static bool has_pixel_partials(const ChannelMlpArgs& args) {
        return args.partials != nullptr && !args.by_channels;
    }

    // Some of a chunk's hidden channels or outputs, whole panels, and the weights to prefetch while
    // the last of them is used.
    struct Part {
        Range channels;
        const float* next_weights;
    };

    // Hidden values to prefetch, so many before each pass over a panel: another core may have
    // computed them.
    struct HiddenAhead {
        const float* next = nullptr;
        const float* end = nullptr;
        std::size_t floats = 0;

        PF_INLINE void advance() {
            const float* const stop = std::min(end, next + floats);
            for (; next < stop; next += kDepthGroup) __builtin_prefetch(next, 0, 2);
        }
    };

    static void run_tile(const Tile& tile) {
        const MlpLayout& layout = tile.args.layout;
        const float* const weights = tile.args.weights;
        normalise(tile);
        for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
            run_fc1(tile, chunk,
                    {{0, layout.chunk(chunk).size()}, weights + layout.fc2_offset(chunk)});
            run_fc2(tile, chunk,
                    {{0, layout.padded_outputs()}, weights + layout.fc1_offset(chunk + 1)}, {});
        }
        if (tile.partials != nullptr) write_partials(tile);
    }

    // Calls body(tile, its hidden values, [padded_hidden / 16][rows][16]) for all of the map.
    template <class Body>
    static void for_each_shared_tile(const ChannelMlpArgs& args, Body&& body) {
        for_each_tile<MaxRows, tile_pixels(kP)>(
            {0, args.num_pixels()}, [&](std::size_t first_pixel, std::size_t num_rows) {
                Tile tile(args, first_pixel, num_rows);
                body(tile, args.hidden + first_pixel * args.layout.padded_hidden());
            });
    }

    // What args.hidden_groups has of a chunk: maybe nothing.
    static Part hidden_part(const ChannelMlpArgs& args, std::size_t chunk) {
        const MlpLayout& layout = args.layout;
        const Range all = layout.chunk(chunk);
        const std::size_t begin = args.hidden_groups.begin * layout.hidden_group();
        const std::size_t end = args.hidden_groups.end * layout.hidden_group();
        return {
            {std::clamp(begin, all.begin, all.end) - all.begin,
             std::clamp(end, all.begin, all.end) - all.begin},
            args.weights + (end > all.end ? layout.fc1_offset(chunk + 1) : output_offset(args, 0))};
    }

    static Part output_part(const ChannelMlpArgs& args, std::size_t chunk) {
        const bool is_last = chunk + 1 == args.layout.num_chunks();
        return {{args.panels.begin * kP, args.panels.end * kP},
                args.weights +
                    (is_last ? args.layout.weight_floats() : output_offset(args, chunk + 1))};
    }

    static HiddenAhead next_hidden(const Tile& tile, std::size_t chunk) {
        const MlpLayout& layout = tile.args.layout;
        if (chunk + 1 == layout.num_chunks()) return {};
        const float* const begin = tile.hidden + layout.chunk(chunk).size() * tile.rows;
        const std::size_t floats = layout.chunk(chunk + 1).size() * tile.rows;
        const std::size_t num_passes = tile.args.panels.size() * divide_up(tile.rows, MaxRows);
        return {begin, begin + floats, divide_up(floats, num_passes)};
    }

    // Where the first of args.panels begins in a chunk.
    static std::size_t output_offset(const ChannelMlpArgs& args, std::size_t chunk) {
        return args.layout.fc2_offset(chunk) +
               args.panels.begin * kP * args.layout.chunk(chunk).size();
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

    static void write_partials(const Tile& tile) {
        constexpr std::size_t kRows = 4;  // at a time: each row's sums are one chain of additions
        std::size_t r = 0;
        for (; r + kRows <= tile.rows; r += kRows) write_partials_of<kRows>(tile, r);
        for (; r < tile.rows; ++r) write_partials_of<1>(tile, r);
    }

    static void write_strips(const ChannelMlpArgs& args, Range blocks) {
        if (args.partials == nullptr) return;
        MapStatistics<Arch, Block>::run({.src = args.dst,
                                         .height = args.height,
                                         .width = args.width,
                                         .channels = args.layout.channels,
                                         .shift = args.shift,
                                         .partials = args.partials,
                                         .blocks = blocks});
    }

    template <std::size_t Rows>
    static void write_partials_of(const Tile& tile, std::size_t first_row) {
        const std::size_t channels = tile.args.layout.channels;
        RunningSums<Arch> sums[Rows];
        for (std::size_t c = 0; c < round_up(channels, Block); c += kL) {
            const float* from = tile.dst + tile.map_offset(c) + first_row * Block;
            const Vec<Arch> shift = masked_shift<Arch>(tile.args.shift, c, channels);
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                sums[r.value].add(load<Arch>(from + r.value * Block), shift);
            });
        }
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            tile.partials[first_row + r.value] = sums[r.value].total();
        });
    }

    // By table, GELU goes on beside the multiply-adds of the next panel: most of it are look-ups,
    // in units that multiply-adds leave idle. The other needs the same units, and more registers.
    static constexpr bool kHasSideGelu = kGeluByTable<Arch>;

    // Hidden values of a panel that lack their GELU.
    struct Sums {
        float* next;
        float* end;
    };

    // What fc1 does beside multiplying.
    struct SideWork {
        Prefetch<Arch> prefetch;
        Sums sums;

        PF_INLINE void advance() {
            prefetch.advance();
            if constexpr (kHasSideGelu) {
                if (sums.next == sums.end) return;
                // Not both at once, which needs more registers than the sums of fc1 leave.
                gelu_table_step<Arch, 1>(sums.next);
                gelu_table_step<Arch, 1>(sums.next + kL);
                sums.next += kP;
            }
        }
    };

    static void run_fc1(const Tile& tile, std::size_t chunk, const Part& part) {
        const MlpLayout& layout = tile.args.layout;
        const std::size_t chunk_begin = layout.chunk(chunk).begin;
        const std::size_t num_blocks = divide_up(tile.rows, MaxRows);
        const std::size_t panel_floats = kP * layout.depth();
        const float* panel =
            tile.args.weights + layout.fc1_offset(chunk) + part.channels.begin * layout.depth();
        Sums sums{tile.hidden, tile.hidden};  // of the panel before: none yet
        for (std::size_t h = part.channels.begin; h < part.channels.end;
             h += kP, panel += panel_floats) {
            const bool is_last = h + kP == part.channels.end;
            SideWork side_work{Prefetch<Arch>::share(
                                   is_last ? part.next_weights : panel + panel_floats, num_blocks),
                               sums};
            for_each_row_block(tile.rows, num_blocks, [&](std::size_t first, std::size_t rows) {
                kFc1Rows[rows](tile, first, h, panel, chunk_begin, side_work);
                side_work.prefetch.skip_pass(layout.depth());
            });
            if (kHasSideGelu) gelu<Arch>(side_work.sums.next, sums.end);  // few channels leave some
            // A depth group is complete after one or two panels, or half of one.
            if ((h + kP) % kDepthGroup != 0) continue;
            const std::size_t first_group = (h + kP - layout.hidden_group()) / kDepthGroup;
            sums.next = tile.hidden + first_group * tile.rows * kDepthGroup;
            sums.end = sums.next + layout.hidden_group() * tile.rows;
            if (!kHasSideGelu) gelu<Arch>(sums.next, sums.end);
        }
        if (kHasSideGelu) gelu<Arch>(sums.next, sums.end);
    }

    static void run_fc2(const Tile& tile, std::size_t chunk, const Part& part,
                        HiddenAhead hidden_ahead) {
        const MlpLayout& layout = tile.args.layout;
        const std::size_t depth = layout.chunk(chunk).size();
        const std::size_t num_blocks = divide_up(tile.rows, MaxRows);
        const float* panel =
            tile.args.weights + layout.fc2_offset(chunk) + part.channels.begin * depth;
        for (std::size_t c = part.channels.begin; c < part.channels.end;
             c += kP, panel += kP * depth) {
            const bool is_last = c + kP == part.channels.end;
            ChunkStep<Arch> step{c,
                                 chunk == 0,
                                 chunk + 1 == layout.num_chunks(),
                                 panel,
                                 depth,
                                 Prefetch<Arch>::share(
                                     is_last ? part.next_weights : panel + kP * depth, num_blocks)};
            for_each_row_block(tile.rows, num_blocks, [&](std::size_t first, std::size_t rows) {
                hidden_ahead.advance();
                kFc2Rows[rows](tile, first, step);
                step.prefetch.skip_pass(depth);
            });
        }
    }

    // Rows [first_row, first_row + Rows) of the hidden tile, channels [h, h + panel) of the chunk.
    template <std::size_t Rows>
    __attribute__((noinline)) static void fc1_rows(const Tile& tile, std::size_t first_row,
                                                   std::size_t h, const float* panel,
                                                   std::size_t chunk_begin,
                                                   SideWork& shared_side_work) {
        SideWork side_work = shared_side_work;  // in registers
        Accumulators<Arch, Rows> accumulators;
        accumulators.fill(tile.args.fc1_bias + chunk_begin + h);
        const std::size_t group_stride = tile.rows * kDepthGroup;
        multiply_panel<Arch, Rows>(tile.input + first_row * kDepthGroup, group_stride, panel,
                                   tile.args.layout.depth(), side_work, accumulators);
        shared_side_work.sums = side_work.sums;
        unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = h + v.value * kL;
            float* to = tile.hidden + channel / kDepthGroup * group_stride +
                        first_row * kDepthGroup + channel % kDepthGroup;
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                store<Arch>(to + r.value * kDepthGroup, accumulators.sums[r.value][v.value]);
            });
        });
    }

    template <std::size_t Rows>
    __attribute__((noinline)) static void fc2_rows(const Tile& tile, std::size_t first_row,
                                                   const ChunkStep<Arch>& step) {
        float* between = tile.output + (step.channel * tile.rows + first_row * kP);
        Accumulators<Arch, Rows> accumulators;
        sum_chunk<Arch, Rows>(step, tile.args.fc2_bias, tile.hidden + first_row * kDepthGroup,
                              tile.rows * kDepthGroup, between, accumulators);
        if (step.is_last) {
            write_outputs(tile, first_row, step.channel, accumulators);
        } else {
            accumulators.store_to(between);
        }
    }

    // Adds the residual and stores to the map.
    template <std::size_t Rows>
    PF_INLINE static void write_outputs(const Tile& tile, std::size_t first_row,
                                        std::size_t panel_channel,
                                        const Accumulators<Arch, Rows>& accumulators) {
        const std::size_t padded_channels = round_up(tile.args.layout.channels, Block);
        unroll<kPanelVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = panel_channel + v.value * kL;
            if (channel >= padded_channels) return;
            const std::size_t offset = tile.map_offset(channel) + first_row * Block;
            const float* src = tile.src + offset;
            float* dst = tile.dst + offset;
            unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                store<Arch>(dst + r.value * Block, load<Arch>(src + r.value * Block) +
                                                       accumulators.sums[r.value][v.value]);
            });
        });
    }

    template <std::size_t Rows>
    struct MakeFc1Rows {
        static constexpr auto function = &fc1_rows<Rows>;
    };
    template <std::size_t Rows>
    struct MakeFc2Rows {
        static constexpr auto function = &fc2_rows<Rows>;
    };
    static constexpr auto kFc1Rows = functions_by_rows<MakeFc1Rows, MaxRows>();
    static constexpr auto kFc2Rows = functions_by_rows<MakeFc2Rows, MaxRows>();
};

}  // namespace pf::kernels::simd
