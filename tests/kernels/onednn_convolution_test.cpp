// The oneDNN convolution against plain loops over integers, which float computes exactly.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "kernels/onednn/convolution.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/convolution_case.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_sizes.hpp"

namespace pf::test {
namespace {

using kernels::Convolution;
using kernels::ConvolutionShape;
using kernels::Isa;
using kernels::OnednnLayout;
using kernels::Range;
using kernels::reference::Map;
using Place = GuardedBuffer::Place;

std::vector<float> pack(const ConvolutionCase& problem) {
    const ConvolutionShape& s = problem.shape;
    const OnednnLayout layout{s.in_channels, s.out_channels, s.kernel, s.block};
    std::vector<float> packed(layout.weight_floats());
    std::size_t next = 0;
    for (std::size_t out = 0; out < s.out_channels; ++out) {
        for (std::size_t in = 0; in < s.in_channels; ++in) {
            for (std::size_t y = 0; y < s.kernel; ++y) {
                for (std::size_t x = 0; x < s.kernel; ++x, ++next) {
                    packed[layout.weight_index(out, in, y, x)] =
                        static_cast<float>(problem.weights[next]);
                }
            }
        }
    }
    return packed;
}

std::vector<float> source_of(const ConvolutionCase& problem) {
    if (!problem.shape.has_planar_source()) return to_blocked(problem.src, problem.shape.block);
    return {problem.src.values.begin(), problem.src.values.end()};
}

// The blocked result for a source laid out as the shape says, its output blocks computed by `parts`
// primitives.
std::vector<float> run(const ConvolutionCase& problem, Isa isa, const std::vector<float>& source,
                       std::size_t parts = 1, Place place = Place::at_end) {
    const ConvolutionShape& shape = problem.shape;
    const std::size_t padded = kernels::round_up(shape.out_channels, shape.block);
    std::vector<float> padded_bias(problem.bias.begin(), problem.bias.end());
    padded_bias.resize(padded);
    const GuardedBuffer src(source, place);
    const GuardedBuffer weights(pack(problem), Place::aligned);
    const GuardedBuffer bias(padded_bias, Place::aligned);
    const std::size_t pixels = shape.out_height() * shape.out_width();
    GuardedBuffer dst(padded * pixels, place);
    for (std::size_t part = 0; part < parts; ++part) {
        const Range blocks = kernels::split(padded / shape.block, parts, part);
        if (blocks.size() == 0) continue;
        ConvolutionShape of_part = shape;
        of_part.out_channels = blocks.size() * shape.block;
        std::string error;
        const auto convolution = Convolution::create(of_part, isa, error);
        REQUIRE_MESSAGE(convolution != nullptr, error);
        const std::string& name = convolution->implementation();
        CHECK(name.find("jit") != std::string::npos);
        CHECK(name.find("ref") == std::string::npos);
        CHECK(name.find("gemm") == std::string::npos);
        if (isa != Isa::avx512) CHECK(name.find("avx512") == std::string::npos);
        if (isa == Isa::sse4_1) CHECK(name.find("avx") == std::string::npos);
        CHECK(convolution->scratch_bytes() % 64 == 0);
        GuardedBuffer scratch(convolution->scratch_bytes() / sizeof(float), Place::aligned);
        const std::size_t channel = blocks.begin * shape.block;
        const OnednnLayout before{shape.in_channels, channel, shape.kernel, shape.block};
        const std::size_t offset = before.weight_floats();
        CHECK(convolution->execute(src.data(), weights.data() + offset, bias.data() + channel,
                                   dst.data() + channel * pixels,
                                   reinterpret_cast<std::byte*>(scratch.data())) ==
              kernels::Execution::done);
        CHECK(scratch.intact());
    }
    CHECK(src.intact());
    CHECK(weights.intact());
    CHECK(bias.intact());
    CHECK(dst.intact());
    return dst.values();
}

void check(const ConvolutionShape& shape, Place place = Place::at_end) {
    const ConvolutionCase problem = integer_convolution(shape);
    const std::vector<float> source = source_of(problem);
    const Map exact = convolve(problem);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        if (table->block != shape.block) continue;
        CAPTURE(std::string(table->name));
        const std::vector<float> whole = run(problem, table->isa, source, 1, place);
        const Map found =
            from_blocked(whole, shape.out_channels, exact.height, exact.width, shape.block);
        CHECK(found.values == exact.values);
        CHECK(padding_is_zero(whole, shape.out_channels, exact.pixels(), shape.block));
        for (const std::size_t parts : {2, 3}) {
            CHECK(same_bits(run(problem, table->isa, source, parts, place), whole));
        }
    }
}

// Whether output pixel (y, x) sees source pixel (at, at) in its window.
bool sees(const ConvolutionShape& shape, std::size_t y, std::size_t x, std::size_t at) {
    const auto covers = [&](std::size_t out) {
        const std::size_t begin = out * shape.stride;  // of the padded map
        return begin <= at + shape.padding && at + shape.padding < begin + shape.kernel;
    };
    return covers(y) && covers(x);
}

// Puts `bad` into pixel (at, at) of input channel 1: windows that see it are lost, others the same.
void check_non_finite(const ConvolutionShape& shape, std::size_t at, float bad) {
    ConvolutionCase problem = integer_convolution(shape);
    for (double& weight : problem.weights) weight = std::abs(weight) + 1;  // none is zero
    const std::vector<float> source = source_of(problem);
    problem.src.values[(shape.in_height + at) * shape.in_width + at] = bad;
    const std::vector<float> bad_source = source_of(problem);
    const std::size_t pixels = shape.out_height() * shape.out_width();
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        if (table->block != shape.block) continue;
        CAPTURE(std::string(table->name));
        const std::vector<float> clean = run(problem, table->isa, source);
        const std::vector<float> found = run(problem, table->isa, bad_source);
        for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
            const bool is_lost =
                sees(shape, pixel / shape.out_width(), pixel % shape.out_width(), at);
            for (std::size_t out = 0; out < shape.out_channels; ++out) {
                const std::size_t index = blocked_index(pixels, shape.block, out, pixel);
                CHECK(std::isfinite(found[index]) == !is_lost);
                if (!is_lost) CHECK(found[index] == clean[index]);
            }
        }
    }
}

struct Size {
    std::size_t height, width;
};

}  // namespace

TEST_CASE("convolution: the stem on the image, from the smallest size up") {
    for (const std::size_t block : {8, 16}) {
        for (const Size size : {Size{3, 3}, Size{3, 9}, Size{4, 5}, Size{6, 7}, Size{8, 11},
                                Size{15, 17}, Size{33, 32}, Size{64, 65}}) {
            CAPTURE(block);
            CAPTURE(size.height);
            CAPTURE(size.width);
            for (const std::size_t channels : {8, 20, 36, 64}) {
                check({3, size.height, size.width, channels, 7, 4, 2, block});
            }
        }
    }
}

TEST_CASE("convolution: between stages, maps smaller than the kernel included") {
    for (const std::size_t block : {8, 16}) {
        for (const Size size : {Size{1, 1}, Size{1, 2}, Size{2, 1}, Size{2, 2}, Size{3, 3},
                                Size{1, 8}, Size{9, 1}, Size{5, 7}, Size{16, 13}}) {
            CAPTURE(block);
            CAPTURE(size.height);
            CAPTURE(size.width);
            for (const std::size_t in_channels : {8, 20, 36}) {
                check({in_channels, size.height, size.width, 40, 3, 2, 1, block});
            }
        }
    }
}

TEST_CASE("convolution: other windows") {
    for (const std::size_t block : {8, 16}) {
        CAPTURE(block);
        check({3, 9, 9, 16, 4, 4, 0, block});
        check({16, 6, 7, 16, 2, 2, 0, block});
        check({16, 5, 5, 32, 1, 1, 0, block});
        check({3, 12, 10, 24, 5, 3, 4, block});
    }
}

TEST_CASE("convolution: which of oneDNN's implementations may be used") {
    const struct {
        const char* name;
        bool sse4_1, avx2, avx512;
    } rows[] = {
        {"jit:sse41", true, true, true},
        {"jit:avx", false, true, true},
        {"jit:avx2", false, true, true},
        {"jit_1x1:avx2", false, true, true},
        {"jit:avx512_core", false, false, true},
        {"brgconv:avx512_core", false, false, false},
        {"jit:uni", true, true, true},
        {"ref:any", false, false, false},
        {"jit_ref:any", false, false, false},
        {"gemm:jit", false, false, false},
        {"x64:gemm:jit", false, false, false},
        {"x8s8s32x:any", false, false, false},
        {"", false, false, false},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.name));
        CHECK(kernels::is_usable_implementation(row.name, Isa::sse4_1) == row.sse4_1);
        CHECK(kernels::is_usable_implementation(row.name, Isa::avx2) == row.avx2);
        CHECK(kernels::is_usable_implementation(row.name, Isa::avx512) == row.avx512);
    }
}

TEST_CASE("convolution: anywhere in memory") {
    for (const std::size_t block : {8, 16}) {
        CAPTURE(block);
        for (const Place place : kPlaces) {
            check({3, 17, 15, 20, 7, 4, 2, block}, place);
            check({20, 5, 7, 36, 3, 2, 1, block}, place);
            check({20, 2, 1, 36, 3, 2, 1, block}, place);  // copied into a padded map
        }
    }
}

TEST_CASE("convolution: NaN and infinity reach the windows they lie in and nothing else") {
    for (const std::size_t block : {8, 16}) {
        CAPTURE(block);
        for (const float bad : kNonFinite) {
            CAPTURE(bad);
            check_non_finite({3, 33, 32, 20, 7, 4, 2, block}, 13, bad);
            check_non_finite({20, 9, 9, 20, 3, 2, 1, block}, 3, bad);
        }
    }
}

TEST_CASE(
    "convolution: blocks of 8 are tried on every CPU, and it is said if those of 16 are not") {
    const auto is_tried = [](std::size_t block) {
        const auto& tables = kernels::runnable_tables();
        return std::any_of(tables.begin(), tables.end(),
                           [&](const auto* table) { return table->block == block; });
    };
    CHECK(is_tried(8));
    if (!is_tried(16))
        MESSAGE("blocks of 16 were not tried: this CPU runs no instruction set with them");
}

TEST_CASE("convolution: sizes of outputs") {
    const ConvolutionShape stem{3, 224, 224, 64, 7, 4, 2, 8};
    CHECK(stem.out_height() == 56);
    CHECK(stem.out_width() == 56);
}

}  // namespace pf::test
