// ConvolutionCase: a convolution of integers, which float computes exactly, and its result.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/convolution_case.hpp"

#include <cstdint>

#include "tests/support/hash.hpp"

namespace pf::test {
namespace {

using kernels::ConvolutionShape;
using kernels::reference::Map;
using kernels::reference::Numbers;

Numbers integers(std::size_t size, std::uint64_t seed) {
    Numbers numbers(size);
    for (std::size_t i = 0; i < size; ++i) {
        numbers[i] = static_cast<double>(hash_bits(seed, 0, i) % 15) - 7;
    }
    return numbers;
}

// One output; coordinates of the window are those of the padded map.
double convolve_at(const ConvolutionCase& problem, std::size_t out, std::size_t y, std::size_t x) {
    const ConvolutionShape& shape = problem.shape;
    double sum = problem.bias[out];
    for (std::size_t in = 0; in < shape.in_channels; ++in) {
        for (std::size_t ky = 0; ky < shape.kernel; ++ky) {
            for (std::size_t kx = 0; kx < shape.kernel; ++kx) {
                const std::size_t sy = y * shape.stride + ky - shape.padding;
                const std::size_t sx = x * shape.stride + kx - shape.padding;
                if (sy >= shape.in_height || sx >= shape.in_width) continue;  // wraps below zero
                const std::size_t tap = ((out * shape.in_channels + in) * shape.kernel + ky);
                sum += problem.weights[tap * shape.kernel + kx] *
                       problem.src.at(in, sy * shape.in_width + sx);
            }
        }
    }
    return sum;
}

}  // namespace

ConvolutionCase integer_convolution(const ConvolutionShape& shape) {
    const std::size_t taps = shape.in_channels * shape.kernel * shape.kernel;
    Map src{shape.in_channels, shape.in_height, shape.in_width,
            integers(shape.in_channels * shape.in_height * shape.in_width, 41)};
    return {shape, std::move(src), integers(shape.out_channels * taps, 42),
            integers(shape.out_channels, 43)};
}

Map convolve(const ConvolutionCase& problem) {
    const ConvolutionShape& shape = problem.shape;
    Map dst{shape.out_channels, shape.out_height(), shape.out_width(), {}};
    for (std::size_t out = 0; out < dst.channels; ++out) {
        for (std::size_t y = 0; y < dst.height; ++y) {
            for (std::size_t x = 0; x < dst.width; ++x) {
                dst.values.push_back(convolve_at(problem, out, y, x));
            }
        }
    }
    return dst;
}

}  // namespace pf::test
