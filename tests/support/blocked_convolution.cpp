// What the kernels that convolve blocked maps are tested with, whichever way they do it.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/blocked_convolution.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/support/blocked_map.hpp"
#include "tests/support/convolution_args.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {

using kernels::ConvolutionShape;
using kernels::KernelTable;
using kernels::Range;
using kernels::reference::Map;
using Place = GuardedBuffer::Place;

template <class Layout>
std::vector<float> convolve_packed(void (*kernel)(const kernels::ConvolutionArgs<Layout>&),
                                   const Layout& layout, const std::vector<float>& packed,
                                   std::size_t block, const ConvolutionCase& problem,
                                   const std::vector<float>& blocked_source, std::size_t parts,
                                   Place place) {
    const ConvolutionShape& shape = problem.shape;
    REQUIRE(packed.size() == layout.weight_floats());
    std::vector<float> padded_bias(problem.bias.begin(), problem.bias.end());
    padded_bias.resize(layout.padded_outputs());
    const std::size_t num_pixels = shape.out_height() * shape.out_width();
    const GuardedBuffer src(blocked_source, place);
    const GuardedBuffer weights(packed, Place::aligned);
    const GuardedBuffer bias(padded_bias, Place::aligned);
    GuardedBuffer dst(kernels::round_up(shape.out_channels, block) * num_pixels, place);
    kernels::ConvolutionArgs<Layout> args = convolution_args(shape, layout);
    args.src = src.data();
    args.dst = dst.data();
    args.weights = weights.data();
    args.bias = bias.data();
    const std::size_t num_units = args.units.size();
    for (std::size_t part = 0; part < parts * parts; ++part) {
        args.units = kernels::split(num_units, parts, part / parts);
        args.panels = kernels::split(layout.num_panels(), parts, part % parts);
        // What a kernel has not written there itself must not reach a result.
        const std::vector<float> garbage(layout.scratch_floats(args.units.size()),
                                         std::numeric_limits<float>::quiet_NaN());
        GuardedBuffer scratch(garbage, Place::aligned);
        args.scratch = scratch.data();
        kernel(args);
        CHECK(scratch.intact());
    }
    for (const GuardedBuffer* buffer : {&src, &weights, &bias}) CHECK(buffer->intact());
    CHECK(dst.intact());
    return dst.values();
}

template std::vector<float> convolve_packed(void (*)(const kernels::GemmConvolutionArgs&),
                                            const kernels::GemmConvolutionLayout&,
                                            const std::vector<float>&, std::size_t,
                                            const ConvolutionCase&, const std::vector<float>&,
                                            std::size_t, Place);
template std::vector<float> convolve_packed(void (*)(const kernels::WinogradConvolutionArgs&),
                                            const kernels::WinogradLayout&,
                                            const std::vector<float>&, std::size_t,
                                            const ConvolutionCase&, const std::vector<float>&,
                                            std::size_t, Place);

void check_convolution(Convolve convolve_blocked, const ConvolutionShape& shape, Place place) {
    const ConvolutionCase problem = integer_convolution(shape);
    const Map exact = convolve(problem);
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const std::vector<float> blocked = to_blocked(problem.src, table->block);
        const std::vector<float> whole = convolve_blocked(*table, problem, blocked, 1, place);
        const Map found =
            from_blocked(whole, shape.out_channels, exact.height, exact.width, table->block);
        CHECK(found.values == exact.values);
        CHECK(padding_is_zero(whole, shape.out_channels, exact.pixels(), table->block));
        for (const std::size_t parts : {2, 3}) {
            CHECK(same_bits(convolve_blocked(*table, problem, blocked, parts, place), whole));
        }
    }
}

void check_reach_of_non_finite(Convolve convolve_blocked) {
    const ConvolutionShape shape{.in_channels = 20,
                                 .in_height = 7,
                                 .in_width = 7,
                                 .out_channels = 20,
                                 .kernel = 3,
                                 .stride = 2,
                                 .padding = 1};
    ConvolutionCase problem = integer_convolution(shape);
    for (double& weight : problem.weights) weight = std::abs(weight) + 1;  // none is zero
    for (const float bad : kNonFinite) {
        for (const KernelTable* table : kernels::testable_tables()) {
            const std::vector<float> source = to_blocked(problem.src, table->block);
            const std::vector<float> clean =
                convolve_blocked(*table, problem, source, 1, Place::at_end);
            for (std::size_t at = 0; at < 49; ++at) {
                CAPTURE(bad);
                CAPTURE(std::string(table->name));
                CAPTURE(at);
                std::vector<float> spoilt = source;
                spoilt[blocked_index(49, table->block, 18, at)] = bad;
                const std::vector<float> found =
                    convolve_blocked(*table, problem, spoilt, 1, Place::at_end);
                const auto sees = [](std::size_t out, std::size_t in) {
                    return in + 1 >= 2 * out && in <= 2 * out + 1;
                };
                bool all_good = true;
                for (std::size_t pixel = 0; pixel < 16; ++pixel) {
                    const bool reached = sees(pixel / 4, at / 7) && sees(pixel % 4, at % 7);
                    for (std::size_t c = 0; c < shape.out_channels; ++c) {
                        const std::size_t index = blocked_index(16, table->block, c, pixel);
                        all_good &=
                            reached ? !std::isfinite(found[index]) : found[index] == clean[index];
                    }
                }
                CHECK(all_good);
            }
        }
    }
}

}  // namespace pf::test
