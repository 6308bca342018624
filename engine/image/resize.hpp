// Antialiased bicubic resize of 8-bit RGB, bit for bit what PIL's Image.resize(BICUBIC) gives.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/load/description.hpp"

namespace pf {

// Someone else's pixels: R, G, B bytes, `height` rows that start `row_stride` bytes apart.
struct ImageView {
    const std::uint8_t* rgb = nullptr;
    std::size_t height = 0;
    std::size_t width = 0;
    std::size_t row_stride = 0;
};

// One direction of a resize to `resized` pixels, of which only [first, first + count) are wanted.
struct ResizedRange {
    std::size_t resized = 0;
    std::size_t first = 0;
    std::size_t count = 0;
};

// Resizes to [rows.resized, columns.resized] and returns the wanted part, dense
// [rows.count, columns.count, 3]. Computes no pixel that the part does not need, so the cost
// follows the part and not the resized size. Sizes are checked by the caller: the image is at most
// 65535 x 65535, each range is not empty and inside its resized size.
std::vector<std::uint8_t> resize_bicubic(const ImageView& image, const ResizedRange& rows,
                                         const ResizedRange& columns);

}  // namespace pf
