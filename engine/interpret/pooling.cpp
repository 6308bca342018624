// pool and global_mean: averages over the pixels that exist.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "engine/interpret/apply.hpp"

namespace pf {
namespace {

// The window's positions [begin, end) around `centre` that lie inside [0, size).
struct Window {
    std::size_t begin;
    std::size_t end;

    Window(std::size_t centre, std::size_t reach, std::size_t size)
        : begin(centre - std::min(centre, reach)), end(std::min(centre + reach + 1, size)) {}
    std::size_t size() const { return end - begin; }
};

}  // namespace

// x, y: [C, H, W]; the divisor is the number of pixels inside the map.
Map apply(const Pool& op, const Map& x) {
    const std::size_t reach = op.size / 2;
    Map y = make_map(x.channels, x.height, x.width);
    for (std::size_t c = 0; c < x.channels; ++c) {
        for (std::size_t row = 0; row < x.height; ++row) {
            const Window rows(row, reach, x.height);
            for (std::size_t column = 0; column < x.width; ++column) {
                const Window columns(column, reach, x.width);
                double sum = 0;
                for (std::size_t i = rows.begin; i < rows.end; ++i) {
                    const double* values = channel(x, c) + i * x.width;
                    sum = std::accumulate(values + columns.begin, values + columns.end, sum);
                }
                channel(y, c)[row * x.width + column] =
                    sum / static_cast<double>(rows.size() * columns.size());
            }
        }
    }
    return y;
}

// x: [C, H, W], y: [C, 1, 1]
Map apply(const GlobalMean&, const Map& x) {
    Map y = make_map(x.channels, 1, 1);
    const std::size_t pixels = num_pixels(x);
    for (std::size_t c = 0; c < x.channels; ++c) {
        const double* values = channel(x, c);
        y.data[c] = std::accumulate(values, values + pixels, 0.0) / static_cast<double>(pixels);
    }
    return y;
}

}  // namespace pf
