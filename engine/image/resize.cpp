// Bicubic resize: filter taps per output pixel, one horizontal pass, one vertical pass.
// SPDX-License-Identifier: Apache-2.0
//
// Equality with PIL fixes what would otherwise be free: the order of operations in the filter, the
// rounding of the taps to 22 fractional bits, and 8-bit values between the two passes.
#include "engine/image/resize.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/check.hpp"

namespace pf {
namespace {

constexpr int kFractionBits = 22;  // 32 - 8 - 2: sums stay inside 32 bits, overshoot included
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

// Keys' cubic convolution with a = -0.5, at distance |x| in input pixels (of the wider grid).
double cubic(double x) {
    x = std::abs(x);
    if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5;
    return 0.0;
}

// The input pixels [begin, begin + count) that make one output pixel, and their weights.
struct Taps {
    std::size_t begin = 0;
    std::size_t count = 0;
    std::size_t weights = 0;  // index of the first weight in Filter::weights
};

struct Filter {
    std::vector<Taps> taps;             // one per wanted output pixel
    std::vector<std::int32_t> weights;  // fixed point, kFractionBits; each pixel's sum is about 1

    std::size_t input_begin() const { return taps.front().begin; }
    std::size_t input_end() const { return taps.back().begin + taps.back().count; }
};

std::int32_t to_fixed(double weight) {
    return static_cast<std::int32_t>(weight * (1 << kFractionBits) + (weight < 0 ? -0.5 : 0.5));
}

// Appends the taps of output pixel `index` of a resize from `size` pixels. When shrinking, the
// filter widens by the ratio: that is the antialiasing.
void append_taps(std::size_t size, double ratio, std::size_t index, Filter& filter,
                 std::vector<double>& scratch) {
    const double widening = std::max(ratio, 1.0);
    const double support = 2.0 * widening;
    const double center = (static_cast<double>(index) + 0.5) * ratio;
    const auto begin = static_cast<std::size_t>(std::max(center - support + 0.5, 0.0));
    const std::size_t end = std::min(static_cast<std::size_t>(center + support + 0.5), size);

    const double shrink = 1.0 / widening;
    double sum = 0.0;
    scratch.clear();
    for (std::size_t x = begin; x < end; ++x) {
        scratch.push_back(cubic((static_cast<double>(x) - center + 0.5) * shrink));
        sum += scratch.back();
    }
    filter.taps.push_back({begin, end - begin, filter.weights.size()});
    for (const double weight : scratch) filter.weights.push_back(to_fixed(weight / sum));
}

Filter make_filter(std::size_t size, const ResizedRange& range) {
    PF_DCHECK(range.count > 0 && range.first + range.count <= range.resized);
    const double ratio = static_cast<double>(size) / static_cast<double>(range.resized);
    Filter filter;
    std::vector<double> scratch;
    for (std::size_t i = 0; i < range.count; ++i) {
        append_taps(size, ratio, range.first + i, filter, scratch);
    }
    return filter;
}

std::uint8_t to_byte(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

// row: the input row; out: one pixel per entry of filter.taps.
void resize_row(const std::uint8_t* row, const Filter& filter, std::uint8_t* out) {
    for (const Taps& taps : filter.taps) {
        const std::uint8_t* pixel = row + taps.begin * kImageChannels;
        const std::int32_t* weights = filter.weights.data() + taps.weights;
        std::int32_t red = kHalf, green = kHalf, blue = kHalf;
        for (std::size_t i = 0; i < taps.count; ++i, pixel += kImageChannels) {
            red += pixel[0] * weights[i];
            green += pixel[1] * weights[i];
            blue += pixel[2] * weights[i];
        }
        *out++ = to_byte(red);
        *out++ = to_byte(green);
        *out++ = to_byte(blue);
    }
}

// Dense rows, the first of which is input row filter.input_begin(); out: one row per filter.taps.
void resize_columns(const std::vector<std::uint8_t>& rows, std::size_t row_bytes,
                    const Filter& filter, std::uint8_t* out) {
    std::vector<std::int32_t> sums(row_bytes);
    for (const Taps& taps : filter.taps) {
        std::fill(sums.begin(), sums.end(), kHalf);
        const std::uint8_t* row = rows.data() + (taps.begin - filter.input_begin()) * row_bytes;
        for (std::size_t i = 0; i < taps.count; ++i, row += row_bytes) {
            const std::int32_t weight = filter.weights[taps.weights + i];
            for (std::size_t x = 0; x < row_bytes; ++x) sums[x] += row[x] * weight;
        }
        out = std::transform(sums.begin(), sums.end(), out, to_byte);
    }
}

}  // namespace

std::vector<std::uint8_t> resize_bicubic(const ImageView& image, const ResizedRange& rows,
                                         const ResizedRange& columns) {
    // A direction that keeps its size gets taps of exactly 0, 1, 0: no special case is needed.
    const Filter vertical = make_filter(image.height, rows);
    const Filter horizontal = make_filter(image.width, columns);

    const std::size_t row_bytes = columns.count * kImageChannels;
    std::vector<std::uint8_t> narrowed((vertical.input_end() - vertical.input_begin()) * row_bytes);
    std::uint8_t* out = narrowed.data();
    for (std::size_t y = vertical.input_begin(); y < vertical.input_end(); ++y, out += row_bytes) {
        resize_row(image.rgb + y * image.row_stride, horizontal, out);
    }

    std::vector<std::uint8_t> result(rows.count * row_bytes);
    resize_columns(narrowed, row_bytes, vertical, result.data());
    return result;
}

}  // namespace pf
