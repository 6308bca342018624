// pack_weights: every number where the layouts say, zeros elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/pack_weights.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/onednn/convolution.hpp"
#include "tests/support/graph_maker.hpp"

namespace pf::test {
namespace {

// A matrix of 1, 2, 3, ..., so that every number tells where it belongs.
Matrix counting_matrix(GraphMaker& maker, std::size_t rows, std::size_t columns) {
    std::vector<float> numbers(rows * columns);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i + 1);
    return maker.matrix(rows, columns, numbers);
}

std::size_t count_nonzero(const std::vector<float>& values) {
    return values.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), 0.0f));
}

}  // namespace

TEST_CASE("pack_vector: rounds once, and leaves the padding alone") {
    std::vector<float> to(4, 0.0f);
    pack_vector({0.1, -2.0, 1.0 + 1e-9}, to);
    CHECK(to == std::vector<float>{0.1f, -2.0f, 1.0f, 0.0f});
}

TEST_CASE("pack_linear: [outputs / panel][inputs][panel]") {
    for (const std::size_t panel : {8, 16, 32}) {
        for (const std::size_t outputs : {1, 8, 19, 64}) {
            GraphMaker maker;
            const kernels::LinearLayout layout{5, outputs, panel};
            const Linear linear{counting_matrix(maker, outputs, 5), {}};
            std::vector<float> packed(layout.weight_floats());
            pack_linear(linear, layout, packed);
            for (std::size_t out = 0; out < outputs; ++out) {
                for (std::size_t in = 0; in < 5; ++in) {
                    CHECK(packed[(out / panel * 5 + in) * panel + out % panel] ==
                          static_cast<float>(out * 5 + in + 1));
                }
            }
            CHECK(count_nonzero(packed) == outputs * 5);
        }
    }
}

TEST_CASE("pack_mlp: each chunk's panels of fc1, then its columns of fc2") {
    for (const std::size_t panel : {8, 16, 32}) {
        for (const std::size_t hidden : {20, 257, 600}) {
            CAPTURE(panel);
            CAPTURE(hidden);
            constexpr std::size_t kChannels = 20;
            GraphMaker maker;
            const kernels::MlpLayout layout{kChannels, hidden, panel};
            const ChannelMlp mlp{{counting_matrix(maker, hidden, kChannels), {}},
                                 {counting_matrix(maker, kChannels, hidden), {}}};
            std::vector<float> packed(layout.weight_floats());
            pack_mlp(mlp, layout, packed);
            bool all_good = true;
            for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
                const kernels::Range range = layout.chunk(chunk);
                for (std::size_t h = range.begin; h < std::min(range.end, hidden); ++h) {
                    const std::size_t in_chunk = h - range.begin;
                    for (std::size_t c = 0; c < kChannels; ++c) {
                        const std::size_t fc1 = layout.fc1_offset(chunk) +
                                                (in_chunk / panel * layout.depth() + c) * panel +
                                                in_chunk % panel;
                        const std::size_t fc2 = layout.fc2_offset(chunk) +
                                                (c / panel * range.size() + in_chunk) * panel +
                                                c % panel;
                        all_good = all_good &&
                                   packed[fc1] == static_cast<float>(h * kChannels + c + 1) &&
                                   packed[fc2] == static_cast<float>(c * hidden + h + 1);
                    }
                }
            }
            CHECK(all_good);
            CHECK(count_nonzero(packed) == 2 * kChannels * hidden);
            CHECK(layout.chunk(layout.num_chunks() - 1).end == layout.padded_hidden());
        }
    }
}

TEST_CASE("pack_weights: scales are applied in double and rounded once") {
    GraphMaker maker;
    Linear linear{maker.matrix(1, 1, {3.0f}), {}};
    const double third = 1.0 / 3.0;
    linear.weight.scale_rows({third});
    linear.weight.scale_columns({0.1});
    std::vector<float> packed(8);
    pack_linear(linear, {1, 1, 8}, packed);
    CHECK(packed[0] == static_cast<float>(3.0 * third * 0.1));
}

TEST_CASE("pack_convolution: oneDNN's Ohwi for the image, OIhwio for maps") {
    for (const std::size_t block : {8, 16}) {
        for (const std::size_t in_channels : {3, 20}) {
            constexpr std::size_t kOut = 20, kKernel = 3;
            GraphMaker maker;
            Conv2d conv;
            conv.in_channels = in_channels;
            conv.window = {kKernel, 2, 1};
            conv.weight = counting_matrix(maker, kOut, in_channels * kKernel * kKernel);
            const kernels::OnednnLayout layout{in_channels, kOut, kKernel, block};
            std::vector<float> packed(layout.weight_floats());
            pack_convolution(conv, layout, packed);
            const std::size_t in_blocks = kernels::divide_up(in_channels, block);
            float number = 0;
            for (std::size_t o = 0; o < kOut; ++o) {
                for (std::size_t i = 0; i < in_channels; ++i) {
                    for (std::size_t tap = 0; tap < kKernel * kKernel; ++tap) {
                        const std::size_t planar =
                            ((o / block * 9 + tap) * 3 + i) * block + o % block;
                        const std::size_t blocked =
                            (((o / block * in_blocks + i / block) * 9 + tap) * block + i % block) *
                                block +
                            o % block;
                        CHECK(packed[in_channels == 3 ? planar : blocked] == ++number);
                    }
                }
            }
            CHECK(count_nonzero(packed) == kOut * in_channels * 9);
        }
    }
}

TEST_CASE("pack_convolution: gemm's [chunk][panel][depth group][channel][panel]") {
    for (const std::size_t panel : {8, 16, 32}) {
        for (const std::size_t in_channels : {20, 36}) {
            constexpr std::size_t kOut = 20, kKernel = 3, kTaps = 9;
            GraphMaker maker;
            Conv2d conv;
            conv.in_channels = in_channels;
            conv.window = {kKernel, 2, 1};
            conv.weight = counting_matrix(maker, kOut, in_channels * kTaps);
            const kernels::GemmConvolutionLayout layout{in_channels, kOut, kKernel, panel};
            std::vector<float> packed(layout.weight_floats());
            pack_convolution(conv, layout, packed);
            bool all_good = true;
            for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
                const kernels::Range groups = layout.chunk(chunk);
                for (std::size_t group = groups.begin; group < groups.end; ++group) {
                    for (std::size_t i = 0; i < 16; ++i) {
                        const std::size_t in = group / kTaps * 16 + i;
                        if (in >= in_channels) continue;
                        for (std::size_t out = 0; out < kOut; ++out) {
                            const std::size_t at =
                                layout.chunk_offset(chunk) +
                                ((out / panel * groups.size() + group - groups.begin) * 16 + i) *
                                    panel +
                                out % panel;
                            const std::size_t number =
                                (out * in_channels + in) * kTaps + group % kTaps + 1;
                            all_good = all_good && packed[at] == static_cast<float>(number);
                        }
                    }
                }
            }
            CHECK(all_good);
            CHECK(count_nonzero(packed) == kOut * in_channels * kTaps);
        }
    }
}

// Places and sums written out: the planes of the nine terms in order, each as the taps it adds up.
TEST_CASE("pack_convolution: winograd's [panel][plane][channel][panel]") {
    const std::vector<std::vector<std::size_t>> taps_of_planes = {
        {0},          {1},    {3}, {4},  // term 0, 0
        {0, 2},       {3, 5},            // term 0, 1
        {2},          {1},    {5}, {4},  // term 0, 2
        {0, 6},       {1, 7},            // term 1, 0
        {0, 2, 6, 8},                    // term 1, 1
        {2, 8},       {1, 7},            // term 1, 2
        {6},          {7},    {3}, {4},  // term 2, 0
        {6, 8},       {3, 5},            // term 2, 1
        {8},          {7},    {5}, {4},  // term 2, 2
    };
    REQUIRE(taps_of_planes.size() == 25);
    for (const std::size_t panel : {8, 16, 32}) {
        for (const std::size_t in_channels : {20, 36}) {
            constexpr std::size_t kOut = 20;
            GraphMaker maker;
            Conv2d conv;
            conv.in_channels = in_channels;
            conv.window = {3, 2, 1};
            conv.weight = counting_matrix(maker, kOut, in_channels * 9);
            const kernels::WinogradLayout layout{in_channels, kOut, panel};
            std::vector<float> packed(layout.weight_floats());
            pack_convolution(conv, layout, packed);
            const std::size_t depth = kernels::round_up(in_channels, 16);
            bool all_good = true;
            for (std::size_t out = 0; out < kOut; ++out) {
                for (std::size_t plane = 0; plane < 25; ++plane) {
                    for (std::size_t in = 0; in < in_channels; ++in) {
                        std::size_t sum = 0;
                        for (const std::size_t tap : taps_of_planes[plane]) {
                            sum += (out * in_channels + in) * 9 + tap + 1;
                        }
                        const std::size_t row = (out / panel * 25 + plane) * depth + in;
                        all_good &= packed[row * panel + out % panel] == static_cast<float>(sum);
                    }
                }
            }
            CHECK(all_good);
            CHECK(count_nonzero(packed) == kOut * in_channels * 25);
        }
    }
}

}  // namespace pf::test
