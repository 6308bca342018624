// channel_mlp on every instruction set against the plain loops.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/kernel_sizes.hpp"
#include "tests/support/mlp_case.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;
using kernels::Partial;
using kernels::reference::Map;

void check_result(const MlpCase& mlp, const MlpResult& result, const Map& exact,
                  const std::vector<double>& bounds, std::size_t block) {
    const Map& src = mlp.src;
    const Map found = from_blocked(result.dst, src.channels, src.height, src.width, block);
    bool values_good = true;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        values_good = values_good && std::abs(found.values[i] - exact.values[i]) <= bounds[i];
    }
    CHECK(values_good);
    bool partials_good = true;
    for (std::size_t pixel = 0; pixel < src.pixels(); ++pixel) {
        partials_good =
            partials_good && partial_matches(result.partials[pixel], found, {0, src.channels},
                                             {pixel, pixel + 1}, mlp.shift);
    }
    CHECK(partials_good);
    CHECK(padding_is_zero(result.dst, src.channels, src.pixels(), block));
}

void check_case(const MlpCase& mlp, const MlpCall& call = {}) {
    const Map exact = kernels::reference::channel_mlp(mlp.src, mlp.weights, mlp.mean, mlp.rstd);
    const std::vector<double> bounds = mlp_bounds(mlp);
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const MlpResult result = run_mlp(*table, mlp, to_blocked(mlp.src, table->block), call);
        check_result(mlp, result, exact, bounds, table->block);
    }
}

// What map_statistics, tested on its own, finds in a result.
std::vector<Partial> strips_of(const KernelTable& table, const MlpCase& mlp,
                               const std::vector<float>& dst) {
    const Map& src = mlp.src;
    const std::size_t num_blocks = kernels::divide_up(src.channels, table.block);
    std::vector<Partial> partials(num_blocks * kernels::num_strips(src.height, src.width));
    table.map_statistics({.src = dst.data(),
                          .height = src.height,
                          .width = src.width,
                          .channels = src.channels,
                          .shift = mlp.shift,
                          .partials = partials.data(),
                          .blocks = {0, num_blocks}});
    return partials;
}

}  // namespace

TEST_CASE("channel_mlp: every number of channels, odd ratios, anywhere in memory") {
    std::size_t ratio = 0;
    for (const std::size_t channels : kChannels) {
        CAPTURE(channels);
        for (const std::size_t pixels : {1, 5, 13}) {
            for (const GuardedBuffer::Place place : kPlaces) {
                ratio = ratio % 5 + 1;
                CAPTURE(ratio);
                check_case(hash_mlp(channels, channels * ratio, pixels), {.place = place});
            }
        }
    }
}

TEST_CASE("channel_mlp: every number of rows in a tile and in a micro-kernel") {
    for (const std::size_t pixels :
         {1,  2,  3,  4,  5,  6,  7,   8,   9,   10,  11,  12,  13,  14,  23, 48,
          49, 50, 51, 52, 97, 99, 100, 101, 151, 196, 203, 204, 205, 408, 409}) {
        CAPTURE(pixels);
        check_case(hash_mlp(20, 52, pixels));
    }
}

TEST_CASE("channel_mlp: several chunks of hidden channels") {
    for (const std::size_t hidden : {255, 256, 257, 300, 512, 513, 1000}) {
        CAPTURE(hidden);
        check_case(hash_mlp(36, hidden, 7));
    }
}

TEST_CASE("channel_mlp: a mean of a thousand standard deviations") {
    check_case(hash_mlp(36, 144, 9, 577.0, 1.0));
    check_case(hash_mlp(36, 144, 9, -577e3, 1e3));
}

TEST_CASE("channel_mlp: the same bits in place, in parts, and without statistics") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t pixels : {1, 13, 50, 101}) {
            CAPTURE(pixels);
            const MlpCase mlp = hash_mlp(36, 300, pixels);
            const std::vector<float> blocked = to_blocked(mlp.src, table->block);
            const MlpResult whole = run_mlp(*table, mlp, blocked);
            for (const bool in_place : {false, true}) {
                for (const std::size_t parts : {1, 2, 3}) {
                    const MlpResult split =
                        run_mlp(*table, mlp, blocked, {.parts = parts, .in_place = in_place});
                    CHECK(same_bits(split.dst, whole.dst));
                    CHECK(same_bits(split.partials, whole.partials));
                }
            }
            CHECK(same_bits(run_mlp(*table, mlp, blocked, {.has_partials = false}).dst, whole.dst));
        }
    }
}

TEST_CASE("channel_mlp: by channels the same bits, in any number of parts, and those of strips") {
    struct Size {
        std::size_t height, width;
    };
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const Size size :
             {Size{1, 1}, Size{1, 7}, Size{13, 1}, Size{7, 7}, Size{8, 8}, Size{41, 5}}) {
            CAPTURE(size.height);
            for (const std::size_t channels : {8, 36, 100}) {
                CAPTURE(channels);
                MlpCase mlp = hash_mlp(channels, 700, size.height * size.width);
                mlp.src.height = size.height;
                mlp.src.width = size.width;
                const std::vector<float> blocked = to_blocked(mlp.src, table->block);
                const MlpResult alone = run_mlp(*table, mlp, blocked, {.by_channels = true});
                CHECK(same_bits(alone.dst, run_mlp(*table, mlp, blocked).dst));
                CHECK(same_bits(alone.partials, strips_of(*table, mlp, alone.dst)));
                for (const bool in_place : {false, true}) {
                    // 20: more than there are panels of outputs.
                    for (const std::size_t parts : {1, 2, 3, 20}) {
                        CAPTURE(parts);
                        const MlpResult shared = run_mlp(*table, mlp, blocked,
                                                         {.parts = parts,
                                                          .by_channels = true,
                                                          .in_halves = true,
                                                          .in_place = in_place});
                        CHECK(same_bits(shared.dst, alone.dst));
                        CHECK(same_bits(shared.partials, alone.partials));
                    }
                }
                const MlpResult none =
                    run_mlp(*table, mlp, blocked,
                            {.by_channels = true, .in_halves = true, .has_partials = false});
                CHECK(same_bits(none.dst, alone.dst));
            }
        }
    }
}

TEST_CASE("channel_mlp: NaN and infinity reach their own pixel and nothing else") {
    constexpr std::size_t kPixels = 14, kPixel = 9, kChannel = 18, kBlockChannels = 20;
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            CAPTURE(std::string(table->name));
            const MlpCase mlp = hash_mlp(kBlockChannels, 80, kPixels);
            std::vector<float> blocked = to_blocked(mlp.src, table->block);
            const MlpResult clean = run_mlp(*table, mlp, blocked);
            blocked[blocked_index(kPixels, table->block, kChannel, kPixel)] = bad;
            const MlpResult result = run_mlp(*table, mlp, blocked);
            for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
                const bool own = pixel == kPixel;
                CHECK(std::isfinite(result.partials[pixel].sum_of_squares) == !own);
                for (std::size_t c = 0; c < kBlockChannels; ++c) {
                    const std::size_t at = blocked_index(kPixels, table->block, c, pixel);
                    CHECK(std::isfinite(result.dst[at]) == !own);
                    if (!own) CHECK(result.dst[at] == clean.dst[at]);
                }
            }
            CHECK(padding_is_zero(clean.dst, kBlockChannels, kPixels, table->block));
        }
    }
}

}  // namespace pf::test
