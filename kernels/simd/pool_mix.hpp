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
            for (std::size_t y = 0; y < args.height; ++y) mix_row(args, block, y);
        }
    }

  private:
    static constexpr std::size_t kVectors = Block / kLanes<Arch>;  // of one pixel
    using Pixel = std::array<Vec<Arch>, kVectors>;

    // 1 / (number of pixels): a window holds 1, 2, 3, 4, 6 or 9 pixels of the map.
    static constexpr std::array<float, 10> kReciprocal = {
        0, 1, 1.0f / 2, 1.0f / 3, 1.0f / 4, 1.0f / 5, 1.0f / 6, 1.0f / 7, 1.0f / 8, 1.0f / 9};

    // The rows under the window; above and below are the row itself at a border, and not summed.
    struct Window {
        const float* above;
        const float* row;
        const float* below;
        bool has_above;
        bool has_below;

        std::size_t num_rows() const { return 1 + has_above + has_below; }

        PF_INLINE Pixel center(std::size_t x) const { return load_pixel(row + x * Block); }

        // Sum over the window's rows at column x.
        PF_INLINE Pixel column(std::size_t x) const {
            Pixel sum = center(x);
            if (has_above) add(sum, load_pixel(above + x * Block));
            if (has_below) add(sum, load_pixel(below + x * Block));
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

    PF_INLINE static Pixel zero() {
        Pixel pixel;
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE { pixel[v.value] = Vec<Arch>(0.0f); });
        return pixel;
    }

    static void mix_row(const PoolMixArgs& args, std::size_t block, std::size_t y) {
        const std::size_t row_floats = args.width * Block;
        const std::size_t offset = (block * args.height + y) * row_floats;
        const float* row = args.src + offset;
        Window window{row, row, row, y > 0, y + 1 < args.height};
        if (window.has_above) window.above = row - row_floats;
        if (window.has_below) window.below = row + row_floats;

        Pixel scale = load_pixel(args.scale + block * Block);
        Pixel shift;
        unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
            scale[v.value] *= Vec<Arch>(args.rstd);
            shift[v.value] = masked_shift<Arch>(args.shift, block * Block + v.value * kLanes<Arch>,
                                                args.channels);
        });

        std::array<RunningSums<Arch>, kVectors> sums;
        float* dst = args.dst + offset;
        const auto mix = [&](std::size_t x, const Pixel& total,
                             std::size_t num_columns) PF_LAMBDA_INLINE {
            const Pixel center = window.center(x);
            const Vec<Arch> reciprocal(kReciprocal[num_columns * window.num_rows()]);
            unroll<kVectors>([&](auto v) PF_LAMBDA_INLINE {
                const Vec<Arch> difference = total[v.value] * reciprocal - center[v.value];
                const Vec<Arch> value =
                    multiply_add<Arch>(scale[v.value], difference, center[v.value]);
                store<Arch>(dst + x * Block + v.value * kLanes<Arch>, value);
                sums[v.value].add(value, shift[v.value]);
            });
        };

        // left, middle and right are the window's columns, sliding along the row.
        Pixel left = zero();
        Pixel middle = window.column(0);
        for (std::size_t x = 0; x + 1 < args.width; ++x) {
            const Pixel right = window.column(x + 1);
            Pixel total = left;
            add(total, middle);
            add(total, right);
            mix(x, total, x == 0 ? 2 : 3);
            left = middle;
            middle = right;
        }
        Pixel total = left;
        add(total, middle);
        mix(args.width - 1, total, args.width == 1 ? 1 : 2);

        if (args.partials != nullptr) args.partials[block * args.height + y] = total_of(sums);
    }

    PF_INLINE static Partial total_of(const std::array<RunningSums<Arch>, kVectors>& sums) {
        Partial total;
        for (const RunningSums<Arch>& part : sums) {
            const Partial partial = part.total();
            total.sum += partial.sum;
            total.sum_of_squares += partial.sum_of_squares;
        }
        return total;
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
