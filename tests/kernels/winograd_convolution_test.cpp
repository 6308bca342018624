// winograd_convolution on every instruction set against plain loops over integers, of which float
// computes sums, differences and products exactly.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <vector>

#include "tests/support/blocked_convolution.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {
namespace {

using kernels::ConvolutionShape;
using kernels::KernelTable;
using kernels::WinogradLayout;
using Place = GuardedBuffer::Place;

// Which taps of the kernel, by row or by column, each plane of each term adds up.
using Taps = std::vector<std::size_t>;
const std::vector<std::vector<Taps>> kTapsOfTerms = {{{0}, {1}}, {{0, 2}}, {{2}, {1}}};

float weight(const ConvolutionCase& problem, std::size_t out, std::size_t in, const Taps& rows,
             const Taps& columns) {
    const ConvolutionShape& shape = problem.shape;
    if (out >= shape.out_channels || in >= shape.in_channels) return 0;
    double sum = 0;
    for (const std::size_t y : rows) {
        for (const std::size_t x : columns) {
            sum += problem.weights[(out * shape.in_channels + in) * 9 + y * 3 + x];
        }
    }
    return static_cast<float>(sum);
}

std::vector<float> pack(const ConvolutionCase& problem, std::size_t panel) {
    std::vector<float> packed;
    for (std::size_t first = 0; first < problem.shape.out_channels; first += panel) {
        for (const auto& term_rows : kTapsOfTerms) {
            for (const auto& term_columns : kTapsOfTerms) {
                for (const Taps& rows : term_rows) {
                    for (const Taps& columns : term_columns) {
                        const std::size_t depth = kernels::round_up(problem.shape.in_channels, 16);
                        for (std::size_t in = 0; in < depth; ++in) {
                            for (std::size_t i = 0; i < panel; ++i) {
                                packed.push_back(weight(problem, first + i, in, rows, columns));
                            }
                        }
                    }
                }
            }
        }
    }
    return packed;
}

std::vector<float> run(const KernelTable& table, const ConvolutionCase& problem,
                       const std::vector<float>& blocked_source, std::size_t parts, Place place) {
    const ConvolutionShape& shape = problem.shape;
    const WinogradLayout layout{shape.in_channels, shape.out_channels, table.panel};
    return convolve_packed(table.winograd_convolution, layout, pack(problem, table.panel),
                           table.block, problem, blocked_source, parts, place);
}

void check(std::size_t in_channels, std::size_t height, std::size_t width, std::size_t out_channels,
           std::size_t padding = 1, Place place = Place::at_end) {
    CAPTURE(in_channels);
    CAPTURE(height);
    CAPTURE(width);
    CAPTURE(padding);
    check_convolution(&run,
                      {.in_channels = in_channels,
                       .in_height = height,
                       .in_width = width,
                       .out_channels = out_channels,
                       .kernel = 3,
                       .stride = 2,
                       .padding = padding},
                      place);
}

}  // namespace

TEST_CASE("winograd_convolution: whole quads and halves, maps smaller than the window included") {
    for (std::size_t height = 1; height <= 9; ++height) {
        for (std::size_t width = 1; width <= 9; ++width) check(20, height, width, 40);
    }
}

TEST_CASE("winograd_convolution: every number of channels, anywhere in memory") {
    for (const std::size_t channels : kChannels) {
        for (const Place place : kPlaces) check(channels, 7, 9, 101 - channels, 1, place);
    }
}

TEST_CASE("winograd_convolution: every number of quads in a tile and rows in a micro-kernel") {
    for (std::size_t quads = 1; quads <= 40; ++quads) check(20, 1, 4 * quads, 36);
    check(20, 33, 35, 36);  // several tiles, in all directions
}

TEST_CASE("winograd_convolution: depths of one chunk and of many") {
    for (const std::size_t channels : {32, 48, 144, 160}) check(channels, 5, 6, 20);
}

TEST_CASE("winograd_convolution: other paddings") {
    for (const std::size_t padding : {0, 2, 3, 4, 5}) {
        for (const std::size_t side : {3, 4, 5, 6, 7, 8, 9})
            check(20, side, 12 - side, 24, padding);
    }
}

TEST_CASE("winograd_convolution: NaN and infinity reach the windows they lie in and nothing else") {
    check_reach_of_non_finite(&run);
}

}  // namespace pf::test
