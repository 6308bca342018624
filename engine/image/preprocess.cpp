// Pre-processing: checks, the crop's place, normalisation.
// SPDX-License-Identifier: Apache-2.0
#include "engine/image/preprocess.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "engine/base/check.hpp"

namespace pf {
namespace {

Error refuse(std::string message) {
    return {ErrorCode::invalid_argument, "image: " + std::move(message)};
}

std::string size_text(std::size_t height, std::size_t width) {
    return std::to_string(height) + "x" + std::to_string(width);
}

}  // namespace

Status check_image(const ImageView& image) {
    if (image.rgb == nullptr) return refuse("found no pixels (a null pointer), expected RGB bytes");
    if (image.height == 0 || image.width == 0 || image.height > kMaxImageSide ||
        image.width > kMaxImageSide) {
        return refuse("found height x width " + size_text(image.height, image.width) +
                      ", expected 1 to " + std::to_string(kMaxImageSide) + " each; scale it down");
    }
    if (image.height * image.width > kMaxImagePixels) {
        return refuse("found " + size_text(image.height, image.width) +
                      " pixels, expected at most " + std::to_string(kMaxImagePixels) +
                      " in all; scale it down");
    }
    if (image.row_stride < image.width * kImageChannels) {
        return refuse("found row_stride " + std::to_string(image.row_stride) +
                      " bytes, expected at least 3 * width = " +
                      std::to_string(image.width * kImageChannels));
    }
    const std::size_t most = PTRDIFF_MAX / image.height;
    if (image.row_stride > most) {
        return refuse("found row_stride " + std::to_string(image.row_stride) +
                      " bytes, expected at most " + std::to_string(most));
    }
    return {};
}

namespace {

Status check_sizes(const Input& input, std::size_t output_size) {
    if (input.height == 0 || input.width == 0 ||
        input.resize_shorter_side < std::max(input.height, input.width)) {
        return refuse("found a crop of " + size_text(input.height, input.width) +
                      " from a shorter side of " + std::to_string(input.resize_shorter_side) +
                      ", expected a crop of at least 1x1 that fits");
    }
    const std::size_t expected = kImageChannels * input.height * input.width;
    if (output_size != expected) {
        return refuse("found room for " + std::to_string(output_size) + " floats, expected 3 * " +
                      size_text(input.height, input.width) + " = " + std::to_string(expected));
    }
    return {};
}

std::size_t crop_offset(std::size_t surplus, CropRounding rounding) {
    const std::size_t below = surplus / 2;
    const bool rounds_up =
        rounding == CropRounding::half_even && surplus % 2 == 1 && below % 2 == 1;
    return below + (rounds_up ? 1 : 0);
}

ResizedRange crop_centre(std::size_t resized, std::size_t crop, CropRounding rounding) {
    return {resized, crop_offset(resized - crop, rounding), crop};
}

}  // namespace

CropPlan plan_crop(std::size_t height, std::size_t width, const Input& input) {
    PF_DCHECK(height > 0 && width > 0);
    const std::size_t shorter = input.resize_shorter_side;
    const std::size_t longer = shorter * std::max(height, width) / std::min(height, width);
    const bool is_tall = height > width;
    return {crop_centre(is_tall ? longer : shorter, input.height, input.crop_rounding),
            crop_centre(is_tall ? shorter : longer, input.width, input.crop_rounding)};
}

Levels normalised_levels(const Input& input) {
    Levels levels;
    for (std::size_t c = 0; c < kImageChannels; ++c) {
        const float mean = static_cast<float>(input.mean[c]);
        const float std = static_cast<float>(input.std[c]);
        for (std::size_t v = 0; v < levels[c].size(); ++v) {
            const float unit = static_cast<float>(v) / 255.0f;
            levels[c][v] = (unit - mean) / std;
        }
    }
    return levels;
}

void normalise_planes(const std::uint8_t* rgb, const Levels& levels, std::size_t num_pixels,
                      std::size_t begin, std::size_t end, float* planes) {
    for (std::size_t i = begin; i < end; ++i) {
        for (std::size_t c = 0; c < kImageChannels; ++c) {
            planes[c * num_pixels + i] = levels[c][rgb[i * kImageChannels + c]];
        }
    }
}

Status preprocess(const ImageView& image, const Input& input, std::span<float> output) {
    if (Status status = check_image(image); !status) return status;
    if (Status status = check_sizes(input, output.size()); !status) return status;
    try {
        const CropPlan plan = plan_crop(image.height, image.width, input);
        const std::vector<std::uint8_t> rgb = resize_bicubic(image, plan.rows, plan.columns);
        const std::size_t num_pixels = input.height * input.width;
        normalise_planes(rgb.data(), normalised_levels(input), num_pixels, 0, num_pixels,
                         output.data());
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "image: no memory to resize " +
                                                   size_text(image.height, image.width) +
                                                   " pixels; scale the image down first"};
    }
    return {};
}

}  // namespace pf
