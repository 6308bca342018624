// pool_mix on every instruction set against the plain loops.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
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
using kernels::Partial;
using kernels::Range;
using kernels::reference::Map;
using kernels::reference::Numbers;
using Place = GuardedBuffer::Place;

constexpr float kRstd = 1.75f;

struct Size {
    std::size_t height, width;
};
constexpr Size kSizes[] = {{1, 1}, {1, 2},  {2, 1},  {1, 9},  {9, 1},  {2, 2},  {3, 3},
                           {7, 7}, {4, 13}, {13, 4}, {5, 20}, {3, 57}, {6, 20}, {31, 4}};

struct Mixed {
    std::vector<float> dst;
    std::vector<Partial> partials;
};

std::vector<float> scale_of(std::size_t channels, std::size_t block) {
    std::vector<float> scale = hash_floats(channels, 5, 0, 0.75);
    scale.resize(kernels::round_up(channels, block));
    return scale;
}

enum class Where { elsewhere, in_place };

// In `parts` calls, each with its share of the blocks.
Mixed mix(const KernelTable& table, const Map& map, const std::vector<float>& blocked, float shift,
          std::size_t parts = 1, Place place = Place::at_end, Where where = Where::elsewhere) {
    GuardedBuffer src(blocked, place);
    GuardedBuffer elsewhere(blocked.size(), place);
    GuardedBuffer& dst = where == Where::in_place ? src : elsewhere;
    GuardedBuffer scratch(map.width * table.block, place);
    const GuardedBuffer scale(scale_of(map.channels, table.block), place);
    const std::size_t num_blocks = kernels::divide_up(map.channels, table.block);
    const std::size_t num_units = num_blocks * kernels::num_strips(map.height, map.width);
    GuardedBuffer partials(2 * num_units, place);
    auto* units = reinterpret_cast<Partial*>(partials.data());
    for (std::size_t part = 0; part < parts; ++part) {
        table.pool_mix({.src = src.data(),
                        .dst = dst.data(),
                        .scale = scale.data(),
                        .rstd = kRstd,
                        .height = map.height,
                        .width = map.width,
                        .channels = map.channels,
                        .shift = shift,
                        .partials = units,
                        .blocks = kernels::split(num_blocks, parts, part),
                        .scratch = scratch.data()});
    }
    CHECK(src.intact());
    CHECK(elsewhere.intact());
    CHECK(scale.intact());
    CHECK(partials.intact());
    CHECK(scratch.intact());
    if (where == Where::elsewhere) CHECK(src.values() == blocked);
    return {dst.values(), {units, units + num_units}};
}

Map absolute(Map map) {
    for (double& value : map.values) value = std::abs(value);
    return map;
}

// 8 additions, the reciprocal and its product, the subtraction, scale * rstd, product and sum.
constexpr Tolerance kTolerance{14};

void check_values(const Map& found, const Map& src, const Numbers& scale) {
    const Map exact = kernels::reference::pool_mix(src, scale, kRstd);
    // |x| + |s| (avg |x| + |x|): the mix of |x| by |s|, and |s| |x| twice, which that takes away.
    const Numbers scales = absolute({scale.size(), 1, 1, scale}).values;
    const Map sizes = kernels::reference::pool_mix(absolute(src), scales, kRstd);
    bool all_good = true;
    for (std::size_t i = 0; i < found.values.size(); ++i) {
        const double twice = 2 * scales[i / src.pixels()] * kRstd * std::abs(src.values[i]);
        const double norm = sizes.values[i] + twice;
        all_good = all_good && kTolerance.accepts(found.values[i], exact.values[i], norm);
    }
    CHECK(all_good);
}

void check_map(const KernelTable& table, const Map& map, float shift, Place place) {
    const std::vector<float> blocked = to_blocked(map, table.block);
    const Mixed mixed = mix(table, map, blocked, shift, 1, place);
    const Map found = from_blocked(mixed.dst, map.channels, map.height, map.width, table.block);
    check_values(found, map, to_numbers(scale_of(map.channels, 1)));
    CHECK(strips_match(mixed.partials, found, table.block, shift));
    CHECK(padding_is_zero(mixed.dst, map.channels, map.pixels(), table.block));
    const Mixed in_place = mix(table, map, blocked, shift, 1, place, Where::in_place);
    CHECK(same_bits(in_place.dst, mixed.dst));
    CHECK(same_bits(in_place.partials, mixed.partials));
}

}  // namespace

TEST_CASE("pool_mix: values and statistics at every size, anywhere in memory") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t channels : kChannels) {
            CAPTURE(channels);
            for (const Size& size : kSizes) {
                CAPTURE(size.height);
                CAPTURE(size.width);
                const Map map = hash_reference_map(channels, size.height, size.width);
                for (const Place place : kPlaces) check_map(*table, map, 0.125f, place);
            }
        }
    }
}

TEST_CASE("pool_mix: a mean of a thousand standard deviations") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const Map map = hash_reference_map(20, 7, 9, -577.0, 1.0);
        check_map(*table, map, -577.0f, Place::at_end);
    }
}

TEST_CASE("pool_mix: a border window averages only the pixels inside the map") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const Size& size : kSizes) {
            // The mean of equal values is that value, whatever the number of pixels, so that the
            // mix changes nothing. 9 * 2^k / 9 is exact, and so are all the other window sizes.
            Map map{9, size.height, size.width, Numbers(9 * size.height * size.width, 4.0)};
            const std::vector<float> blocked = to_blocked(map, table->block);
            const Mixed mixed = mix(*table, map, blocked, 0);
            const Map found = from_blocked(mixed.dst, 9, size.height, size.width, table->block);
            for (const double value : found.values)
                CHECK(value == doctest::Approx(4.0).epsilon(1e-6));
        }
    }
}

TEST_CASE("pool_mix: any split of the blocks gives the same bits, with and without statistics") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const Map map = hash_reference_map(100, 5, 6);
        const std::vector<float> blocked = to_blocked(map, table->block);
        const Mixed whole = mix(*table, map, blocked, 0.5f);
        for (const std::size_t parts : {2, 3}) {
            const Mixed split = mix(*table, map, blocked, 0.5f, parts);
            CHECK(same_bits(split.dst, whole.dst));
            CHECK(same_bits(split.partials, whole.partials));
        }
        const std::vector<float> scale = scale_of(100, table->block);
        std::vector<float> dst(blocked.size()), scratch(6 * table->block);
        table->pool_mix({.src = blocked.data(),
                         .dst = dst.data(),
                         .scale = scale.data(),
                         .rstd = kRstd,
                         .height = 5,
                         .width = 6,
                         .channels = 100,
                         .blocks = {0, kernels::divide_up(100, table->block)},
                         .scratch = scratch.data()});
        CHECK(same_bits(dst, whole.dst));
    }
}

TEST_CASE("pool_mix: NaN and infinity reach their own window and nothing else") {
    // So wide that a strip has two rows.
    constexpr std::size_t kHeight = 6, kWidth = 30, kChannel = 8, kY = 3, kX = 2;
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            CAPTURE(std::string(table->name));
            const Map map = hash_reference_map(20, kHeight, kWidth);
            std::vector<float> blocked = to_blocked(map, table->block);
            const Mixed clean = mix(*table, map, blocked, 0);
            blocked[blocked_index(map.pixels(), table->block, kChannel, kY * kWidth + kX)] = bad;
            const GuardedBuffer src(blocked);
            const GuardedBuffer scale(scale_of(20, table->block));
            std::vector<float> dst(blocked.size()), scratch(kWidth * table->block);
            std::vector<Partial> partials(clean.partials.size());
            table->pool_mix({.src = src.data(),
                             .dst = dst.data(),
                             .scale = scale.data(),
                             .rstd = kRstd,
                             .height = kHeight,
                             .width = kWidth,
                             .channels = 20,
                             .partials = partials.data(),
                             .blocks = {0, kernels::divide_up(20, table->block)},
                             .scratch = scratch.data()});
            for (std::size_t c = 0; c < 20; ++c) {
                for (std::size_t y = 0; y < kHeight; ++y) {
                    for (std::size_t x = 0; x < kWidth; ++x) {
                        const bool in_window = c == kChannel && y + 1 >= kY && y <= kY + 1 &&
                                               x + 1 >= kX && x <= kX + 1;
                        const std::size_t at =
                            blocked_index(map.pixels(), table->block, c, y * kWidth + x);
                        CHECK(std::isfinite(dst[at]) == !in_window);
                        if (!in_window) CHECK(dst[at] == clean.dst[at]);
                    }
                }
            }
            // Rows 2 to 4 have it in their windows: the second strip and the third.
            const std::size_t first =
                kChannel / table->block * kernels::num_strips(kHeight, kWidth);
            CHECK(partials[first].sum == clean.partials[first].sum);
            CHECK_FALSE(std::isfinite(partials[first + 1].sum_of_squares));
            CHECK_FALSE(std::isfinite(partials[first + 2].sum_of_squares));
        }
    }
}

}  // namespace pf::test
