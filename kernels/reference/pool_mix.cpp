// pool_mix and map_statistics as plain loops. src, dst: [channels][height][width].
// SPDX-License-Identifier: Apache-2.0
#include "kernels/reference/reference.hpp"

namespace pf::kernels::reference {
namespace {

// Mean of the pixels of the 3x3 window around (y, x) that lie inside the map.
double window_mean(const Map& map, std::size_t c, std::size_t y, std::size_t x) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t wy = y == 0 ? 0 : y - 1; wy <= y + 1 && wy < map.height; ++wy) {
        for (std::size_t wx = x == 0 ? 0 : x - 1; wx <= x + 1 && wx < map.width; ++wx) {
            sum += map.at(c, wy * map.width + wx);
            ++count;
        }
    }
    return sum / static_cast<double>(count);
}

}  // namespace

Map pool_mix(const Map& src, const Numbers& scale, double rstd) {
    Map dst = src;
    for (std::size_t c = 0; c < src.channels; ++c) {
        for (std::size_t y = 0; y < src.height; ++y) {
            for (std::size_t x = 0; x < src.width; ++x) {
                const std::size_t pixel = y * src.width + x;
                const double difference = window_mean(src, c, y, x) - src.at(c, pixel);
                dst.values[c * src.pixels() + pixel] += scale[c] * rstd * difference;
            }
        }
    }
    return dst;
}

Sums map_statistics(const Map& src, Range channels, Range pixels, double shift) {
    Sums sums;
    for (std::size_t c = channels.begin; c < channels.end; ++c) {
        for (std::size_t pixel = pixels.begin; pixel < pixels.end; ++pixel) {
            const double value = src.at(c, pixel) - shift;
            sums.sum += value;
            sums.sum_of_squares += value * value;
        }
    }
    return sums;
}

}  // namespace pf::kernels::reference
