// map_statistics: the partials of a map that a convolution, or an MLP by channels, has written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

// In strips, the units of pool_mix.
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
