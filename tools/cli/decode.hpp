// Decoders: a JPEG or PNG file becomes upright 8-bit RGB, equal to what PIL's convert("RGB") gives.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/image/resize.hpp"

namespace pf::cli {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxPixels = 100'000'000;

using Bytes = std::span<const std::uint8_t>;

// Dense [height, width, 3] bytes in the order R, G, B.
struct Image {
    std::size_t height = 0;
    std::size_t width = 0;
    std::vector<std::uint8_t> rgb;

    ImageView view() const { return {rgb.data(), height, width, 3 * width}; }
};

// Reads and decodes a file. The type is found from its first bytes, not its name. EXIF orientation
// is applied. Every error names the file and says what to do; nothing is decoded half.
Result<Image> load_image(const std::string& file);

// The same on bytes in memory; `file` names them in errors.
Result<Image> decode_image(Bytes bytes, const std::string& file);

// Parts of decode_image. They apply the orientation too.
Result<Image> decode_jpeg(Bytes bytes, const std::string& file);
Result<Image> decode_png(Bytes bytes, const std::string& file);

// Refuses sizes that pre-processing could not take, before any pixel is allocated.
Status check_size(std::size_t height, std::size_t width, const std::string& file);

}  // namespace pf::cli
