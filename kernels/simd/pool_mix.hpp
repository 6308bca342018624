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
            for (std::size_t strip = 0; strip < strips; ++strip) {
                const std::size_t first = strip * rows;
                const Range strip_range{first, std::min(first + rows, args.height)};
                Partial partial;
                for (std::size_t lane = 0; lane < Block; lane += kLanes<Arch>) {
                    const Partial part = mix_strip(args, block, lane, strip_range);
                    partial.sum += part.sum;
                    partial.sum_of_squares += part.sum_of_squares;
                }
                if (args.partials != nullptr) args.partials[block * strips + strip] = partial;
            }
        }
    }

  private:
    // One vector of a strip's channels, on its way down the strip's rows: two at a time, which
    // share the sum of both, as each has two of the three rows of its window in them. As dst may be
    // src, the row above them is read from a copy of what it was, and the lower one copied for
    // those that follow. A row outside the map is not read.
    class Strip {
        template <std::size_t kRows>
        using Rows = std::array<Vec<Arch>, kRows>;

        // A pixel of each row, and the sums over the rows of its window.
        template <std::size_t kRows>
        struct Column {
            Rows<kRows> center;
            Rows<kRows> sum;
        };

      public:
        PF_INLINE Strip(const PoolMixArgs& args, std::size_t block, std::size_t lane,
                        std::size_t first_row)
            : width_(args.width), row_floats_(args.width * Block) {
            const std::size_t channel = block * Block + lane;
            const std::size_t offset = (block * args.height + first_row) * row_floats_ + lane;
            src_ = args.src + offset;
            dst_ = args.dst + offset;
            above_ = args.scratch + lane;
            scale_ = load<Arch>(args.scale + channel) * Vec<Arch>(args.rstd);
            shift_ = masked_shift<Arch>(args.shift, channel, args.channels);
        }

        // Goes down two rows, or one if it is the map's last.
        template <bool kHasAbove, std::size_t kRows, bool kHasBelow>
        PF_INLINE void mix_rows() {
            const auto column = [&](std::size_t x) PF_LAMBDA_INLINE {
                return this->template column_at<kHasAbove, kRows, kHasBelow>(x);
            };
            const auto mix = [&](std::size_t x, const Rows<kRows>& center, const Rows<kRows>& total,
                                 std::size_t columns) PF_LAMBDA_INLINE {
                this->template mix_at<kHasAbove, kHasBelow>(x, center, total, columns);
            };
            // left, middle and right are the window's columns, sliding along the rows.
            Column<kRows> left = column(0);
            if (width_ == 1) {
                mix(0, left.center, left.sum, 1);
            } else {
                Column<kRows> middle = column(1);
                mix(0, left.center, sum(left.sum, middle.sum), 2);
                for (std::size_t x = 1; x + 1 < width_; ++x) {
                    const Column<kRows> right = column(x + 1);
                    mix(x, middle.center, sum(sum(left.sum, middle.sum), right.sum), 3);
                    left = middle;
                    middle = right;
                }
                mix(width_ - 1, middle.center, sum(left.sum, middle.sum), 2);
            }
            src_ += kRows * row_floats_;
            dst_ += kRows * row_floats_;
        }

        PF_INLINE Partial total() const {
            return {sum_lanes<Arch>(sum_), sum_lanes<Arch>(squares_[0] + squares_[1])};
        }

      private:
        template <bool kHasAbove, std::size_t kRows, bool kHasBelow>
        PF_INLINE Column<kRows> column_at(std::size_t x) {
            const float* from = src_ + x * Block;
            Column<kRows> result;
            result.center[0] = load<Arch>(from);
            Vec<Arch> inside = result.center[0];
            if constexpr (kRows == 2) {
                result.center[1] = load<Arch>(from + row_floats_);
                inside += result.center[1];
            }
            result.sum.fill(inside);
            if constexpr (kHasAbove) result.sum.front() += load<Arch>(above_ + x * Block);
            if constexpr (kHasBelow) {
                result.sum.back() += load<Arch>(from + kRows * row_floats_);
                store<Arch>(above_ + x * Block, result.center.back());
            }
            return result;
        }

        template <std::size_t kRows>
        PF_INLINE static Rows<kRows> sum(const Rows<kRows>& a, const Rows<kRows>& b) {
            Rows<kRows> result;
            unroll<kRows>([&](auto r)
                              PF_LAMBDA_INLINE { result[r.value] = a[r.value] + b[r.value]; });
            return result;
        }

        // The output pixel x of each row, from the sum over its window of so many columns.
        template <bool kHasAbove, bool kHasBelow, std::size_t kRows>
        PF_INLINE void mix_at(std::size_t x, const Rows<kRows>& center, const Rows<kRows>& total,
                              std::size_t columns) {
            unroll<kRows>([&](auto index) PF_LAMBDA_INLINE {
                constexpr std::size_t r = index.value;
                constexpr std::size_t rows =
                    kRows + (kHasAbove && r == 0) + (kHasBelow && r + 1 == kRows);
                const Vec<Arch> reciprocal(1.0f / static_cast<float>(rows * columns));
                const Vec<Arch> difference =
                    multiply_subtract<Arch>(total[r], reciprocal, center[r]);
                const Vec<Arch> value = multiply_add<Arch>(scale_, difference, center[r]);
                store<Arch>(dst_ + r * row_floats_ + x * Block, value);
                const Vec<Arch> shifted = value - shift_;
                sum_ += shifted;
                squares_[r] = multiply_add<Arch>(shifted, shifted, squares_[r]);
            });
        }

        std::size_t width_;
        std::size_t row_floats_;
        const float* src_;
        float* dst_;
        float* above_;
        Vec<Arch> scale_;  // times 1/std
        Vec<Arch> shift_;  // 0 for padded channels
        // Of (value - shift). The multiply-adds of neighbouring rows would wait for each other.
        Vec<Arch> sum_ = Vec<Arch>(0.0f);
        std::array<Vec<Arch>, 2> squares_ = {sum_, sum_};
    };

    // One function for all rows: the sums stay in registers in between.
    __attribute__((noinline)) static Partial mix_strip(const PoolMixArgs& args, std::size_t block,
                                                       std::size_t lane, Range rows) {
        Strip strip(args, block, lane, rows.begin);
        if (args.height == 1) {
            strip.template mix_rows<false, 1, false>();
        } else if (args.height == 2) {
            strip.template mix_rows<false, 2, false>();
        } else {
            std::size_t y = rows.begin;
            if (y == 0) {
                strip.template mix_rows<false, 2, true>();
                y = 2;
            }
            for (; y + 2 <= rows.end && y + 2 < args.height; y += 2) {
                strip.template mix_rows<true, 2, true>();
            }
            if (y + 2 == rows.end) strip.template mix_rows<true, 2, false>();
            if (y + 1 == rows.end) strip.template mix_rows<true, 1, false>();
        }
        return strip.total();
    }
};

}  // namespace pf::kernels::simd
