// conv2d and linear: sums of weight * input, one weight at a time along whole rows of pixels.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/check.hpp"
#include "engine/interpret/apply.hpp"

namespace pf {
namespace {

// Output positions [begin, end) at which the window's element `offset` lies inside the input.
struct Range {
    std::size_t begin;
    std::size_t end;
};

Range positions_inside(const PatchEmbedding& window, std::size_t offset, std::size_t input_size,
                       std::size_t output_size) {
    const std::size_t padding = window.padding;
    const std::size_t stride = window.stride;
    const std::size_t begin = offset < padding ? (padding - offset + stride - 1) / stride : 0;
    const std::size_t past = input_size + padding;
    const std::size_t end = offset < past ? (past - offset - 1) / stride + 1 : 0;
    return {begin, std::max(begin, std::min(end, output_size))};
}

void fill_with_bias(Map& map, const Vector& bias) {
    for (std::size_t c = 0; c < bias.size(); ++c) {
        std::fill_n(channel(map, c), num_pixels(map), bias[c]);
    }
}

// y[i] += weight * x[i * stride]
void add_scaled(double* y, double weight, const double* x, std::size_t stride, std::size_t size) {
    if (stride == 1) {
        for (std::size_t i = 0; i < size; ++i) y[i] += weight * x[i];
    } else {
        for (std::size_t i = 0; i < size; ++i) y[i] += weight * x[i * stride];
    }
}

// One element of the window, for one pair of channels: source and target are [H, W] planes.
struct Tap2d {
    const PatchEmbedding& window;
    const Map& x;
    Map& y;

    void add(double* target, double weight, const double* source, std::size_t ky,
             std::size_t kx) const {
        const Range rows = positions_inside(window, ky, x.height, y.height);
        const Range columns = positions_inside(window, kx, x.width, y.width);
        if (columns.begin == columns.end) return;
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
            const std::size_t source_row = row * window.stride + ky - window.padding;
            const std::size_t source_column = columns.begin * window.stride + kx - window.padding;
            add_scaled(target + row * y.width + columns.begin, weight,
                       source + source_row * x.width + source_column, window.stride,
                       columns.end - columns.begin);
        }
    }
};

}  // namespace

// x: [I, H, W], weight: [O, I, K, K], y: [O, H', W']; zeros outside the input.
Map apply(const Conv2d& op, const Map& x) {
    PF_DCHECK(x.channels == op.in_channels);
    Map y = make_map(op.weight.rows, convolved_size(op.window, x.height),
                     convolved_size(op.window, x.width));
    fill_with_bias(y, op.bias);
    const std::size_t kernel = op.window.kernel;
    const Tap2d tap{op.window, x, y};
    for (std::size_t o = 0; o < y.channels; ++o) {
        std::size_t column = 0;
        for (std::size_t i = 0; i < x.channels; ++i) {
            for (std::size_t ky = 0; ky < kernel; ++ky) {
                for (std::size_t kx = 0; kx < kernel; ++kx) {
                    tap.add(channel(y, o), op.weight.at(o, column), channel(x, i), ky, kx);
                    ++column;
                }
            }
        }
    }
    return y;
}

// x: [I, H, W], weight: [O, I], y: [O, H, W]
Map apply(const Linear& op, const Map& x) {
    PF_DCHECK(x.channels == op.weight.columns);
    Map y = make_map(op.weight.rows, x.height, x.width);
    fill_with_bias(y, op.bias);
    for (std::size_t o = 0; o < y.channels; ++o) {
        for (std::size_t i = 0; i < x.channels; ++i) {
            add_scaled(channel(y, o), op.weight.at(o, i), channel(x, i), 1, num_pixels(x));
        }
    }
    return y;
}

}  // namespace pf
