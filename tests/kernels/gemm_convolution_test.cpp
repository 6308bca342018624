// gemm_convolution on every instruction set against plain loops over integers, which float computes
// exactly.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <vector>

#include "tests/support/blocked_convolution.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {
namespace {

using kernels::ConvolutionShape;
using kernels::GemmConvolutionLayout;
using kernels::KernelTable;
using kernels::Range;
using Place = GuardedBuffer::Place;

std::size_t weight_index(const GemmConvolutionLayout& layout, std::size_t out, std::size_t in,
                         std::size_t tap) {
    const std::size_t group = in / 16 * layout.taps() + tap;
    std::size_t chunk = 0;
    while (layout.chunk(chunk).end <= group) ++chunk;
    const Range groups = layout.chunk(chunk);
    const std::size_t depth =
        out / layout.panel * groups.size() * 16 + (group - groups.begin) * 16 + in % 16;
    return layout.chunk_offset(chunk) + depth * layout.panel + out % layout.panel;
}

std::vector<float> pack(const ConvolutionCase& problem, const GemmConvolutionLayout& layout) {
    std::vector<float> packed(layout.weight_floats());
    std::size_t next = 0;
    for (std::size_t out = 0; out < layout.out_channels; ++out) {
        for (std::size_t in = 0; in < layout.in_channels; ++in) {
            for (std::size_t tap = 0; tap < layout.taps(); ++tap, ++next) {
                packed[weight_index(layout, out, in, tap)] =
                    static_cast<float>(problem.weights[next]);
            }
        }
    }
    return packed;
}

std::vector<float> run(const KernelTable& table, const ConvolutionCase& problem,
                       const std::vector<float>& blocked_source, std::size_t parts, Place place) {
    const ConvolutionShape& shape = problem.shape;
    const GemmConvolutionLayout layout{shape.in_channels, shape.out_channels, shape.kernel,
                                       table.panel};
    return convolve_packed(table.gemm_convolution, layout, pack(problem, layout), table.block,
                           problem, blocked_source, parts, place);
}

void check(const ConvolutionShape& shape, Place place = Place::at_end) {
    check_convolution(&run, shape, place);
}

struct Size {
    std::size_t height, width;
};

struct Window {
    std::size_t kernel, stride;
};

}  // namespace

TEST_CASE("gemm_convolution: between stages, maps smaller than the kernel included") {
    for (const Size size : {Size{1, 1}, Size{1, 2}, Size{2, 1}, Size{2, 2}, Size{3, 3}, Size{1, 8},
                            Size{9, 1}, Size{5, 7}, Size{16, 13}}) {
        CAPTURE(size.height);
        CAPTURE(size.width);
        for (const std::size_t in_channels : {8, 20, 36}) {
            check({.in_channels = in_channels,
                   .in_height = size.height,
                   .in_width = size.width,
                   .out_channels = 40,
                   .kernel = 3,
                   .stride = 2,
                   .padding = 1});
        }
    }
}

TEST_CASE("gemm_convolution: every number of channels, anywhere in memory") {
    for (const std::size_t channels : kChannels) {
        CAPTURE(channels);
        for (const Place place : kPlaces) {
            check({.in_channels = channels,
                   .in_height = 5,
                   .in_width = 6,
                   .out_channels = 101 - channels,
                   .kernel = 3,
                   .stride = 2,
                   .padding = 1},
                  place);
        }
    }
}

TEST_CASE("gemm_convolution: every number of rows in a tile and in a micro-kernel") {
    for (const std::size_t pixels :
         {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 49, 50, 51, 99, 101, 196, 204, 205, 409}) {
        CAPTURE(pixels);
        check({.in_channels = 20,
               .in_height = 1,
               .in_width = pixels,
               .out_channels = 36,
               .kernel = 3,
               .stride = 1,
               .padding = 1});
    }
}

TEST_CASE("gemm_convolution: other windows") {
    for (const Window window : {Window{1, 1}, Window{2, 2}, Window{5, 3}, Window{7, 4}}) {
        CAPTURE(window.kernel);
        for (const std::size_t padding : {std::size_t{0}, window.kernel / 2, window.kernel + 1}) {
            CAPTURE(padding);
            check({.in_channels = 20,
                   .in_height = 9,
                   .in_width = 11,
                   .out_channels = 24,
                   .kernel = window.kernel,
                   .stride = window.stride,
                   .padding = padding});
        }
    }
}

TEST_CASE("gemm_convolution: NaN and infinity reach the windows they lie in and nothing else") {
    check_reach_of_non_finite(&run);
}

}  // namespace pf::test
