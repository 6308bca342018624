// Pre-processing: an 8-bit RGB photo becomes the network's input tensor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/result.hpp"
#include "engine/image/resize.hpp"
#include "engine/load/description.hpp"

namespace pf {

constexpr std::size_t kMaxImageSide = 65535;       // pixels, as JPEG's own limit
constexpr std::size_t kMaxImagePixels = 1u << 28;  // 268 million

// Where the crop lies in the resized photo.
struct CropPlan {
    ResizedRange rows;
    ResizedRange columns;
};

// Resizes so that the shorter side has input.resize_shorter_side pixels and the longer
// floor(shorter_side * long / short), then crops the centre. Both sides of the photo must be at
// least 1.
CropPlan plan_crop(std::size_t height, std::size_t width, const Input& input);

// The float of each 8-bit value of R, G and B: (value / 255 - mean) / std, by torchvision's three
// float operations.
using Levels = std::array<std::array<float, 256>, kImageChannels>;
Levels normalised_levels(const Input& input);

// Pixels [begin, end) of rgb [num_pixels][3] as planes [3][num_pixels].
void normalise_planes(const std::uint8_t* rgb, const Levels& levels, std::size_t num_pixels,
                      std::size_t begin, std::size_t end, float* planes);

// Refuses a photo without pixels, sizes outside the limits above, a row_stride below 3 * width, and
// one with which the photo would not fit into memory.
Status check_image(const ImageView& image);

// output = (resized and cropped photo / 255 - mean) / std, dense [3, input.height, input.width] in
// the order R, G, B, computed in float as torchvision does. Refuses what check_image refuses, and
// an output of another size.
Status preprocess(const ImageView& image, const Input& input, std::span<float> output);

}  // namespace pf
