// convert_input: an image as the caller has it becomes the planes that the stem reads.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/convert_input.hpp"

#include <cstdint>
#include <cstring>

namespace pf {
namespace {

void split_planes(const void* image, std::size_t num_pixels, kernels::Range pixels, float* planes) {
    const auto* bytes = static_cast<const std::byte*>(image);  // perhaps not aligned to a float
    for (std::size_t i = pixels.begin; i < pixels.end; ++i) {
        float values[kImageChannels];
        std::memcpy(values, bytes + i * sizeof values, sizeof values);
        for (std::size_t c = 0; c < kImageChannels; ++c) planes[c * num_pixels + i] = values[c];
    }
}

}  // namespace

std::size_t bytes_per_value(InputFormat format) {
    return format == InputFormat::nhwc_u8 ? 1 : sizeof(float);
}

void convert_input(const void* image, InputFormat format, const Levels& levels,
                   std::size_t num_pixels, kernels::Range pixels, float* planes) {
    if (format == InputFormat::nhwc_u8) {
        normalise_planes(static_cast<const std::uint8_t*>(image), levels, num_pixels, pixels.begin,
                         pixels.end, planes);
    } else {
        split_planes(image, num_pixels, pixels, planes);
    }
}

}  // namespace pf
