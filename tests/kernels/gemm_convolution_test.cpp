// gemm_convolution on every instruction set against plain loops over integers, which float computes
// exactly.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/convolution_case.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {
namespace {

using kernels::ConvolutionShape;
using kernels::GemmConvolutionLayout;
using kernels::KernelTable;
using kernels::Range;
using kernels::reference::Map;
using Place = GuardedBuffer::Place;

GemmConvolutionLayout layout_of(const ConvolutionShape& shape, const KernelTable& table) {
    return {shape.in_channels, shape.out_channels, shape.kernel, table.panel};
}

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

// The blocked result for a blocked source, its pixels computed in `parts` calls.
std::vector<float> run(const KernelTable& table, const ConvolutionCase& problem,
                       const std::vector<float>& blocked, std::size_t parts = 1,
                       Place place = Place::at_end) {
    const ConvolutionShape& shape = problem.shape;
    const GemmConvolutionLayout layout = layout_of(shape, table);
    std::vector<float> padded_bias(problem.bias.begin(), problem.bias.end());
    padded_bias.resize(layout.outputs());
    const GuardedBuffer src(blocked, place);
    const GuardedBuffer weights(pack(problem, layout), Place::aligned);
    const GuardedBuffer bias(padded_bias, Place::aligned);
    const std::size_t num_pixels = shape.out_height() * shape.out_width();
    GuardedBuffer dst(kernels::round_up(shape.out_channels, table.block) * num_pixels, place);
    GuardedBuffer scratch(layout.scratch_floats(num_pixels), Place::aligned);
    for (std::size_t part = 0; part < parts; ++part) {
        table.gemm_convolution({.src = src.data(),
                                .dst = dst.data(),
                                .in_height = shape.in_height,
                                .in_width = shape.in_width,
                                .out_width = shape.out_width(),
                                .num_pixels = num_pixels,
                                .stride = shape.stride,
                                .padding = shape.padding,
                                .layout = layout,
                                .weights = weights.data(),
                                .bias = bias.data(),
                                .pixels = kernels::split(num_pixels, parts, part),
                                .scratch = scratch.data()});
    }
    for (const GuardedBuffer* buffer : {&src, &weights, &bias}) CHECK(buffer->intact());
    CHECK(dst.intact());
    CHECK(scratch.intact());
    return dst.values();
}

void check(const ConvolutionShape& shape, Place place = Place::at_end) {
    const ConvolutionCase problem = integer_convolution(shape);
    const Map exact = convolve(problem);
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const std::vector<float> blocked = to_blocked(problem.src, table->block);
        const std::vector<float> whole = run(*table, problem, blocked, 1, place);
        const Map found =
            from_blocked(whole, shape.out_channels, exact.height, exact.width, table->block);
        CHECK(found.values == exact.values);
        CHECK(padding_is_zero(whole, shape.out_channels, exact.pixels(), table->block));
        for (const std::size_t parts : {2, 3}) {
            CHECK(same_bits(run(*table, problem, blocked, parts, place), whole));
        }
    }
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
    const ConvolutionShape shape{.in_channels = 20,
                                 .in_height = 7,
                                 .in_width = 7,
                                 .out_channels = 20,
                                 .kernel = 3,
                                 .stride = 2,
                                 .padding = 1};
    ConvolutionCase problem = integer_convolution(shape);
    for (double& weight : problem.weights) weight = std::abs(weight) + 1;  // none is zero
    constexpr std::size_t kPixel = 3 * 7 + 3;  // in the windows of outputs (1, 1) to (2, 2)
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            CAPTURE(std::string(table->name));
            std::vector<float> blocked = to_blocked(problem.src, table->block);
            const std::vector<float> clean = run(*table, problem, blocked);
            blocked[blocked_index(shape.in_height * shape.in_width, table->block, 18, kPixel)] =
                bad;
            const std::vector<float> found = run(*table, problem, blocked);
            for (std::size_t pixel = 0; pixel < 16; ++pixel) {
                const std::size_t y = pixel / 4, x = pixel % 4;
                const bool sees = (y == 1 || y == 2) && (x == 1 || x == 2);
                for (std::size_t c = 0; c < shape.out_channels; ++c) {
                    const std::size_t at = blocked_index(16, table->block, c, pixel);
                    CHECK(std::isfinite(found[at]) == !sees);
                    if (!sees) CHECK(found[at] == clean[at]);
                }
            }
        }
    }
}

}  // namespace pf::test
