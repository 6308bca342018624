// map_statistics on every instruction set against the plain loops.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;
using kernels::Partial;
using kernels::reference::Map;
using Place = GuardedBuffer::Place;

std::vector<Partial> measure(const KernelTable& table, const Map& map,
                             const std::vector<float>& blocked, float shift, std::size_t parts = 1,
                             Place place = Place::at_end) {
    const GuardedBuffer src(blocked, place);
    const std::size_t num_blocks = kernels::divide_up(map.channels, table.block);
    const std::size_t num_units = num_blocks * kernels::num_strips(map.height, map.width);
    GuardedBuffer partials(2 * num_units, place);
    auto* units = reinterpret_cast<Partial*>(partials.data());
    for (std::size_t part = 0; part < parts; ++part) {
        table.map_statistics({.src = src.data(),
                              .height = map.height,
                              .width = map.width,
                              .channels = map.channels,
                              .shift = shift,
                              .partials = units,
                              .blocks = kernels::split(num_blocks, parts, part)});
    }
    CHECK(src.intact());
    CHECK(partials.intact());
    return {units, units + num_units};
}

void check_map(const KernelTable& table, const Map& map, float shift) {
    for (const Place place : kPlaces) {
        const auto found = measure(table, map, to_blocked(map, table.block), shift, 1, place);
        CHECK(strips_match(found, map, table.block, shift));
    }
}

}  // namespace

TEST_CASE("map_statistics: at every size, padded channels left out") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t channels : kChannels) {
            CAPTURE(channels);
            for (const std::size_t height : {1, 2, 7}) {
                for (const std::size_t width : {1, 3, 13, 31}) {
                    check_map(*table, hash_reference_map(channels, height, width), 0.75f);
                }
            }
            check_map(*table, hash_reference_map(channels, 3, 5, 577.0, 1.0), 577.0f);
        }
    }
}

TEST_CASE("map_statistics: any split of the blocks gives the same bits") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const Map map = hash_reference_map(100, 4, 9);
        const std::vector<float> blocked = to_blocked(map, table->block);
        const auto whole = measure(*table, map, blocked, 0.25f);
        for (const std::size_t parts : {2, 3}) {
            CHECK(same_bits(measure(*table, map, blocked, 0.25f, parts), whole));
        }
    }
}

TEST_CASE("map_statistics: NaN and infinity reach their own unit and nothing else") {
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            CAPTURE(std::string(table->name));
            const Map map = hash_reference_map(33, 4, 50);  // a strip is two rows
            std::vector<float> blocked = to_blocked(map, table->block);
            const auto clean = measure(*table, map, blocked, 0);
            blocked[blocked_index(map.pixels(), table->block, 17, 162)] = bad;
            const auto found = measure(*table, map, blocked, 0);
            const std::size_t unit = 17 / table->block * 2 + 1;
            for (std::size_t i = 0; i < found.size(); ++i) {
                CHECK(std::isfinite(found[i].sum) == (i != unit));
                CHECK(std::isfinite(found[i].sum_of_squares) == (i != unit));
                if (i != unit) CHECK(found[i].sum == clean[i].sum);
            }
        }
    }
}

}  // namespace pf::test
