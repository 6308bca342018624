// pool_mix: 3x3 average minus identity, scaled, plus the residual and its statistics, in one pass.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block>
class PoolMix {
  public:
    static void run(const PoolMixArgs& args) {
        const std::size_t rows = strip_rows(args.width);
        const std::size_t strips = num_strips(args.height, args.width);
        for (std::size_t block = args.blocks.begin; block < args.blocks.end; ++block) {
            const Factors factors = factors_of(args, block);
            for (std::size_t strip = 0; strip < strips; ++strip) {
                const std::size_t first = strip * rows;
                const Range strip_range{first, std::min(first + rows, args.height)};
                const Partial partial = mix_strip(args, factors, block, strip_range);
                if (args.partials != nullptr) args.partials[block * strips + strip] = partial;
            }
        }
    }

  private:
    static constexpr std::size_t kVectors = Block / kLanes<Arch>;  // of one pixel
    using Pixel = std::array<Vec<Arch>, kVectors>;

    // Neighbouring pixels take turns with two sets of sums: in one, each addition would wait for
    // the last.
    struct Sums {
        std::array<RunningSums<Arch>, kVectors> even;
        std::array<RunningSums<Arch>, kVectors> odd;

        PF_INLINE Partial total() const {
            RunningSums<Arch> all;
            unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
                all.add(even[v.value]);
                all.add(odd[v.value]);
            });
            return all.total();
        }
    };

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

    // A strip's rows are alike but for the map's first and last. One function for all of them: the
    // sums stay in registers in between.
    __attribute__((noinline)) static Partial mix_strip(const PoolMixArgs& args,
                                                       const Factors& factors, std::size_t block,
                                                       Range rows) {
        Sums sums;
        if (args.height == 1) {
            mix_rows<false, false>(args, factors, block, rows, sums);
            return sums.total();
        }
        const Range inner{std::max<std::size_t>(rows.begin, 1),
                          std::min(rows.end, args.height - 1)};
        if (rows.begin == 0) mix_rows<false, true>(args, factors, block, {0, 1}, sums);
        if (inner.begin < inner.end) mix_rows<true, true>(args, factors, block, inner, sums);
        if (rows.end == args.height) {
            mix_rows<true, false>(args, factors, block, {rows.end - 1, rows.end}, sums);
        }
        return sums.total();
    }

    // One pixel of the row and the sum over the window's rows above and below it.
    struct Column {
        Pixel center;
        Pixel sum;
    };

    // The rows under the window; a row outside the map is not read.
    template <bool kHasAbove, bool kHasBelow>
    struct Window {
        static constexpr std::size_t kRows = 1 + kHasAbove + kHasBelow;

        const float* row;
        std::size_t row_floats;

        // Column x of the window.
        PF_INLINE Column column(std::size_t x) const {
            Column result;
            // Vector by vector: of whole pixels, g++ 12 keeps copies on the stack.
            unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
                const float* from = row + x * Block + v.value * kLanes<Arch>;
                const Vec<Arch> center = load<Arch>(from);
                Vec<Arch> sum = center;
                if constexpr (kHasAbove) sum += load<Arch>(from - row_floats);
                if constexpr (kHasBelow) sum += load<Arch>(from + row_floats);
                result.center[v.value] = center;
                result.sum[v.value] = sum;
            });
            return result;
        }
    };

    PF_INLINE static void add(Pixel& sum, const Pixel& pixel) {
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE { sum[v.value] += pixel[v.value]; });
    }

    PF_INLINE static Pixel total(const Column& left, const Column& right) {
        Pixel sum = left.sum;
        add(sum, right.sum);
        return sum;
    }

    template <bool kHasAbove, bool kHasBelow>
    PF_INLINE static void mix_rows(const PoolMixArgs& args, const Factors& factors,
                                   std::size_t block, Range rows, Sums& sums) {
        // In registers: dst might overlap them, for all g++ knows.
        const Factors constants = factors;
        const std::size_t width = args.width;
        const std::size_t row_floats = width * Block;
        const std::size_t offset = (block * args.height + rows.begin) * row_floats;
        Window<kHasAbove, kHasBelow> window{args.src + offset, row_floats};
        float* dst = args.dst + offset;
        const auto mix = [&](std::size_t x, const Pixel& center, const Pixel& total,
                             const Vec<Arch>& reciprocal, auto& running) PF_LAMBDA_INLINE {
            unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
                const Vec<Arch> difference =
                    multiply_subtract<Arch>(total[v.value], reciprocal, center[v.value]);
                const Vec<Arch> value =
                    multiply_add<Arch>(constants.scale[v.value], difference, center[v.value]);
                store<Arch>(dst + x * Block + v.value * kLanes<Arch>, value);
                running[v.value].add(value, constants.shift[v.value]);
            });
        };

        constexpr float kRows = static_cast<float>(window.kRows);
        const Vec<Arch> one_column(1.0f / kRows);
        const Vec<Arch> two_columns(1.0f / (2 * kRows));
        const Vec<Arch> three_columns(1.0f / (3 * kRows));
        for (std::size_t y = rows.begin; y < rows.end; ++y) {
            // left, middle and right are the window's columns, sliding along the row.
            Column left = window.column(0);
            if (width == 1) {
                mix(0, left.center, left.sum, one_column, sums.even);
            } else {
                Column middle = window.column(1);
                mix(0, left.center, total(left, middle), two_columns, sums.even);
                const auto slide = [&](std::size_t x, auto& running) PF_LAMBDA_INLINE {
                    const Column right = window.column(x + 1);
                    Pixel sum = total(left, middle);
                    add(sum, right.sum);
                    mix(x, middle.center, sum, three_columns, running);
                    left = middle;
                    middle = right;
                };
                std::size_t x = 1;
                for (; x + 2 < width; x += 2) {
                    slide(x, sums.odd);
                    slide(x + 1, sums.even);
                }
                if (x + 1 < width) slide(x, sums.odd);
                mix(width - 1, middle.center, total(left, middle), two_columns, sums.even);
            }
            window.row += row_floats;
            dst += row_floats;
        }
    }
};

// Partials of a map as it stands, in the same units.
template <class Arch, std::size_t Block>
struct MapStatistics {
    static void run(const MapStatisticsArgs& args) {
        const std::size_t strip_pixels = strip_rows(args.width) * args.width;
        const std::size_t pixels = args.height * args.width;
        Partial* partial = args.partials + args.blocks.begin * num_strips(args.height, args.width);
        for (std::size_t block = args.blocks.begin; block < args.blocks.end; ++block) {
            for (std::size_t first = 0; first < pixels; first += strip_pixels) {
                const Range strip{first, std::min(first + strip_pixels, pixels)};
                *partial++ = strip_total(args, block, strip);
            }
        }
    }

  private:
    static Partial strip_total(const MapStatisticsArgs& args, std::size_t block, Range pixels) {
        const float* map = args.src + block * args.height * args.width * Block;
        Partial total;
        for (std::size_t c = 0; c < Block; c += kLanes<Arch>) {
            const Vec<Arch> shift =
                masked_shift<Arch>(args.shift, block * Block + c, args.channels);
            RunningSums<Arch> sums;
            for (std::size_t pixel = pixels.begin; pixel < pixels.end; ++pixel) {
                sums.add(load<Arch>(map + pixel * Block + c), shift);
            }
            const Partial partial = sums.total();
            total.sum += partial.sum;
            total.sum_of_squares += partial.sum_of_squares;
        }
        return total;
    }
};

}  // namespace pf::kernels::simd
