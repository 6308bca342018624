// pool_mix: 3x3 average minus identity, scaled, plus the residual and its statistics, in one pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block>
class PoolMix {
  public:
    static void run(const PoolMixArgs& args) {
        for (std::size_t block = args.blocks.begin; block < args.blocks.end; ++block) {
            const Factors factors = factors_of(args, block);
            for (std::size_t y = 0; y < args.height; ++y) {
                const bool has_above = y > 0;
                const bool has_below = y + 1 < args.height;
                if (has_above && has_below) {
                    mix_row<true, true>(args, factors, block, y);
                } else if (has_above) {
                    mix_row<true, false>(args, factors, block, y);
                } else if (has_below) {
                    mix_row<false, true>(args, factors, block, y);
                } else {
                    mix_row<false, false>(args, factors, block, y);
                }
            }
        }
    }

  private:
    static constexpr std::size_t kVectors = Block / kLanes<Arch>;  // of one pixel
    using Pixel = std::array<Vec<Arch>, kVectors>;
    using Sums = std::array<RunningSums<Arch>, kVectors>;

    // Of one channel block.
    struct Factors {
        Pixel scale;  // times 1/std
        Pixel shift;  // 0 for padded channels
    };

    PF_INLINE static Factors factors_of(const PoolMixArgs& args, std::size_t block) {
        Factors factors;
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
            const std::size_t channel = block * Block + v.value * kLanes<Arch>;
            factors.scale[v.value] = load<Arch>(args.scale + channel) * Vec<Arch>(args.rstd);
            factors.shift[v.value] = masked_shift<Arch>(args.shift, channel, args.channels);
        });
        return factors;
    }

    // The rows under the window; a row outside the map is not read.
    template <bool kHasAbove, bool kHasBelow>
    struct Window {
        static constexpr std::size_t kRows = 1 + kHasAbove + kHasBelow;

        const float* row;
        std::size_t row_floats;

        PF_INLINE Pixel center(std::size_t x) const { return load_pixel(row + x * Block); }

        // Sum over the window's rows at column x.
        PF_INLINE Pixel column(std::size_t x) const {
            Pixel sum = center(x);
            if constexpr (kHasAbove) add(sum, load_pixel(row - row_floats + x * Block));
            if constexpr (kHasBelow) add(sum, load_pixel(row + row_floats + x * Block));
            return sum;
        }
    };

    PF_INLINE static Pixel load_pixel(const float* from) {
        Pixel pixel;
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
            pixel[v.value] = load<Arch>(from + v.value * kLanes<Arch>);
        });
        return pixel;
    }

    PF_INLINE static void add(Pixel& sum, const Pixel& pixel) {
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE { sum[v.value] += pixel[v.value]; });
    }

    template <bool kHasAbove, bool kHasBelow>
    __attribute__((noinline)) static void mix_row(const PoolMixArgs& args, const Factors& factors,
                                                  std::size_t block, std::size_t y) {
        const std::size_t row_floats = args.width * Block;
        const std::size_t offset = (block * args.height + y) * row_floats;
        const Window<kHasAbove, kHasBelow> window{args.src + offset, row_floats};

        const Factors constants = factors;  // in registers: dst might overlap it, for all g++ knows
        // Pixels take turns with two sets of sums: in one, each addition would wait for the last.
        Sums even, odd;
        float* dst = args.dst + offset;
        const auto mix = [&](std::size_t x, const Pixel& total, const Vec<Arch>& reciprocal,
                             Sums& sums) PF_LAMBDA_INLINE {
            const Pixel center = window.center(x);
            unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
                const Vec<Arch> difference = total[v.value] * reciprocal - center[v.value];
                const Vec<Arch> value =
                    multiply_add<Arch>(constants.scale[v.value], difference, center[v.value]);
                store<Arch>(dst + x * Block + v.value * kLanes<Arch>, value);
                sums[v.value].add(value, constants.shift[v.value]);
            });
        };

        constexpr float kRows = static_cast<float>(window.kRows);
        const Vec<Arch> one_column(1.0f / kRows);
        const Vec<Arch> two_columns(1.0f / (2 * kRows));
        const Vec<Arch> three_columns(1.0f / (3 * kRows));
        Pixel middle = window.column(0);
        if (args.width == 1) {
            mix(0, middle, one_column, even);
        } else {
            // left, middle and right are the window's columns, sliding along the row.
            Pixel left = middle;
            middle = window.column(1);
            add(left, middle);
            mix(0, left, two_columns, even);
            left = window.column(0);
            const auto slide = [&](std::size_t x, Sums& sums) PF_LAMBDA_INLINE {
                const Pixel right = window.column(x + 1);
                Pixel total = left;
                add(total, middle);
                add(total, right);
                mix(x, total, three_columns, sums);
                left = middle;
                middle = right;
            };
            std::size_t x = 1;
            for (; x + 2 < args.width; x += 2) {
                slide(x, odd);
                slide(x + 1, even);
            }
            if (x + 1 < args.width) slide(x, odd);
            add(left, middle);
            mix(args.width - 1, left, two_columns, even);
        }

        if (args.partials == nullptr) return;
        RunningSums<Arch> total = even[0];
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
            if (v.value > 0) total.add(even[v.value]);
            total.add(odd[v.value]);
        });
        args.partials[block * args.height + y] = total.total();
    }
};

// Partials of a map as it stands, in the same units.
template <class Arch, std::size_t Block>
struct MapStatistics {
    static void run(const MapStatisticsArgs& args) {
        for (std::size_t block = args.blocks.begin; block < args.blocks.end; ++block) {
            for (std::size_t y = 0; y < args.height; ++y) add_row(args, block, y);
        }
    }

  private:
    static void add_row(const MapStatisticsArgs& args, std::size_t block, std::size_t y) {
        const std::size_t unit = block * args.height + y;
        const float* row = args.src + unit * args.width * Block;
        Partial total;
        for (std::size_t c = 0; c < Block; c += kLanes<Arch>) {
            const Vec<Arch> shift =
                masked_shift<Arch>(args.shift, block * Block + c, args.channels);
            RunningSums<Arch> sums;
            for (std::size_t x = 0; x < args.width; ++x) {
                sums.add(load<Arch>(row + x * Block + c), shift);
            }
            const Partial partial = sums.total();
            total.sum += partial.sum;
            total.sum_of_squares += partial.sum_of_squares;
        }
        args.partials[unit] = total;
    }
};

}  // namespace pf::kernels::simd
