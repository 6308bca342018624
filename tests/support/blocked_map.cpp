// Maps for kernel tests: made from the integer hash, dense for the reference, blocked for kernels.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/blocked_map.hpp"

#include <cmath>
#include <cstring>

#include "tests/support/hash.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {

using kernels::Partial;
using kernels::Range;
using kernels::reference::Map;
using kernels::reference::Numbers;

std::vector<float> hash_floats(std::size_t size, std::uint64_t seed, double mean,
                               double deviation) {
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i) {
        values[i] = static_cast<float>(mean + deviation * hash_unit(seed, 0, i));
    }
    return values;
}

Numbers to_numbers(std::span<const float> values) {
    return {values.begin(), values.end()};
}

Map hash_reference_map(std::size_t channels, std::size_t height, std::size_t width, double mean,
                       double deviation) {
    const auto values = hash_floats(channels * height * width, 11, mean, deviation);
    return {channels, height, width, to_numbers(values)};
}

std::size_t blocked_index(std::size_t pixels, std::size_t block, std::size_t channel,
                          std::size_t pixel) {
    return (channel / block * pixels + pixel) * block + channel % block;
}

std::vector<float> to_blocked(const Map& map, std::size_t block) {
    std::vector<float> blocked(kernels::round_up(map.channels, block) * map.pixels());
    for (std::size_t c = 0; c < map.channels; ++c) {
        for (std::size_t pixel = 0; pixel < map.pixels(); ++pixel) {
            blocked[blocked_index(map.pixels(), block, c, pixel)] =
                static_cast<float>(map.at(c, pixel));
        }
    }
    return blocked;
}

Map from_blocked(std::span<const float> blocked, std::size_t channels, std::size_t height,
                 std::size_t width, std::size_t block) {
    Map map{channels, height, width, Numbers(channels * height * width)};
    for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t pixel = 0; pixel < map.pixels(); ++pixel) {
            map.values[c * map.pixels() + pixel] =
                blocked[blocked_index(map.pixels(), block, c, pixel)];
        }
    }
    return map;
}

bool padding_is_zero(std::span<const float> blocked, std::size_t channels, std::size_t pixels,
                     std::size_t block) {
    for (std::size_t c = channels; c < kernels::round_up(channels, block); ++c) {
        for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
            if (blocked[blocked_index(pixels, block, c, pixel)] != 0) return false;
        }
    }
    return true;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

bool same_bits(std::span<const Partial> a, std::span<const Partial> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

bool partial_matches(const Partial& found, const Map& map, Range channels, Range pixels,
                     double shift) {
    const auto exact = kernels::reference::map_statistics(map, channels, pixels, shift);
    double norm = 0;
    for (std::size_t c = channels.begin; c < channels.end; ++c) {
        for (std::size_t pixel = pixels.begin; pixel < pixels.end; ++pixel) {
            norm += std::abs(map.at(c, pixel) - shift);
        }
    }
    // The subtraction, then at most every addition; a square is also rounded itself.
    const std::size_t count = channels.size() * pixels.size();
    return Tolerance{count + 1}.accepts(found.sum, exact.sum, norm) &&
           Tolerance{count + 3}.accepts(found.sum_of_squares, exact.sum_of_squares,
                                        exact.sum_of_squares);
}

bool strips_match(std::span<const Partial> found, const Map& map, std::size_t block, double shift) {
    const std::size_t strips = kernels::num_strips(map.height, map.width);
    const std::size_t strip_pixels = kernels::strip_rows(map.width) * map.width;
    bool all_good = found.size() == kernels::divide_up(map.channels, block) * strips;
    for (std::size_t unit = 0; unit < found.size(); ++unit) {
        const std::size_t channel = unit / strips * block;
        const std::size_t pixel = unit % strips * strip_pixels;
        const Range channels{channel, std::min(channel + block, map.channels)};
        const Range pixels{pixel, std::min(pixel + strip_pixels, map.pixels())};
        all_good = all_good && partial_matches(found[unit], map, channels, pixels, shift);
    }
    return all_good;
}

}  // namespace pf::test
