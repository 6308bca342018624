// channel_means on every instruction set against the plain loops.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_sizes.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;
using kernels::PartialSums;
using kernels::reference::Map;
using kernels::reference::Numbers;
using Place = GuardedBuffer::Place;

struct Means {
    std::vector<float> values;
    PartialSums sums;
};

Means means(const KernelTable& table, const Map& map, const std::vector<float>& blocked,
            float shift, Place place) {
    const GuardedBuffer src(blocked, place);
    GuardedBuffer dst(kernels::round_up(map.channels, table.block), place);
    const PartialSums sums = table.channel_means({.src = src.data(),
                                                  .num_pixels = map.pixels(),
                                                  .channels = map.channels,
                                                  .shift = shift,
                                                  .dst = dst.data()});
    CHECK(src.intact());
    CHECK(dst.intact());
    return {dst.values(), sums};
}

// Against those of the values found, one by one in double.
void check_sums(const Means& found) {
    double sum = 0;
    double norm = 0;
    double sum_of_squares = 0;
    for (const double value : found.values) {
        sum += value;
        norm += std::abs(value);
        sum_of_squares += value * value;
    }
    const double epsilon = std::numeric_limits<double>::epsilon() * found.values.size();
    CHECK(std::abs(found.sums.sum - sum) <= epsilon * norm);
    CHECK(std::abs(found.sums.sum_of_squares - sum_of_squares) <= epsilon * sum_of_squares);
}

void check_map(const KernelTable& table, const Map& map, float shift, Place place) {
    const Means result = means(table, map, to_blocked(map, table.block), shift, place);
    check_sums(result);
    const std::vector<float>& found = result.values;
    const Numbers exact = kernels::reference::channel_means(map, shift);
    // The subtraction, every addition, the reciprocal and its product.
    const Tolerance tolerance{map.pixels() + 3};
    for (std::size_t c = 0; c < map.channels; ++c) {
        double norm = 0;
        for (std::size_t pixel = 0; pixel < map.pixels(); ++pixel) {
            norm += std::abs(map.at(c, pixel) - shift) / static_cast<double>(map.pixels());
        }
        CHECK(tolerance.accepts(found[c], exact[c], norm));
    }
    for (std::size_t c = map.channels; c < found.size(); ++c) CHECK(found[c] == 0);
}

}  // namespace

TEST_CASE("channel_means: at every size, padded channels stay zero") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t channels : kChannels) {
            CAPTURE(channels);
            for (const std::size_t pixels : {1, 2, 7, 49, 50}) {
                CAPTURE(pixels);
                for (const Place place : kPlaces) {
                    check_map(*table, hash_reference_map(channels, 1, pixels), 0.5f, place);
                }
            }
            check_map(*table, hash_reference_map(channels, 7, 7, 577.0, 1.0), 577.0f,
                      Place::at_end);
        }
    }
}

TEST_CASE("channel_means: NaN and infinity reach their own channel and nothing else") {
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            CAPTURE(std::string(table->name));
            const Map map = hash_reference_map(20, 2, 3);
            std::vector<float> blocked = to_blocked(map, table->block);
            const auto clean = means(*table, map, blocked, 0, Place::at_end).values;
            blocked[blocked_index(map.pixels(), table->block, 10, 4)] = bad;
            const auto [found, sums] = means(*table, map, blocked, 0, Place::at_end);
            CHECK_FALSE(std::isfinite(sums.sum));
            CHECK_FALSE(std::isfinite(sums.sum_of_squares));
            for (std::size_t c = 0; c < found.size(); ++c) {
                CHECK(std::isfinite(found[c]) == (c != 10));
                if (c != 10) CHECK(found[c] == clean[c]);
            }
        }
    }
}

}  // namespace pf::test
