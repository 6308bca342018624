// A bounds-checked reader of the one EXIF field that matters here, and the eight orientations.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/orientation.hpp"

#include <algorithm>
#include <cstring>

namespace pf::cli {
namespace {

constexpr std::size_t kEntryBytes = 12;  // tag, type, count, value
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShortType = 3;

// Reads unsigned numbers of either byte order and remembers whether it ever left the block.
class TiffReader {
  public:
    TiffReader(Bytes bytes, bool is_big_endian) : bytes_(bytes), is_big_endian_(is_big_endian) {}

    std::uint32_t read(std::size_t offset, std::size_t size_bytes) {
        if (offset > bytes_.size() || bytes_.size() - offset < size_bytes) {
            has_left_block_ = true;
            return 0;
        }
        std::uint32_t number = 0;
        for (std::size_t i = 0; i < size_bytes; ++i) {
            const std::size_t place = is_big_endian_ ? i : size_bytes - 1 - i;
            number = number << 8 | bytes_[offset + place];
        }
        return number;
    }
    bool has_left_block() const { return has_left_block_; }

  private:
    Bytes bytes_;
    bool is_big_endian_;
    bool has_left_block_ = false;
};

Error damaged(const std::string& file, const char* what) {
    return {ErrorCode::invalid_argument,
            file + ": EXIF metadata is damaged (" + what +
                "), so which side is up is unknown; remove the metadata or save the image anew"};
}

bool starts_with(Bytes bytes, const char (&text)[5]) {
    return bytes.size() >= 4 && std::memcmp(bytes.data(), text, 4) == 0;
}

}  // namespace

Result<int> read_orientation(Bytes exif, const std::string& file) {
    const bool is_big_endian = starts_with(exif, "MM\0*");
    if (!is_big_endian && !starts_with(exif, "II*\0")) return damaged(file, "no TIFF header");

    TiffReader reader(exif, is_big_endian);
    const std::size_t directory = reader.read(4, 4);
    const std::size_t num_entries = reader.read(directory, 2);
    int orientation = 1;
    for (std::size_t i = 0; i < num_entries && !reader.has_left_block(); ++i) {
        const std::size_t entry = directory + 2 + i * kEntryBytes;
        if (reader.read(entry, 2) != kOrientationTag) continue;
        const std::uint32_t type = reader.read(entry + 2, 2);
        const std::uint32_t value = reader.read(entry + 8, 2);
        if (type == kShortType && value >= 1 && value <= 8) orientation = static_cast<int>(value);
        break;
    }
    if (reader.has_left_block()) return damaged(file, "its first directory leaves the block");
    return orientation;
}

Image apply_orientation(Image image, int orientation) {
    if (orientation <= 1 || orientation > 8) return image;
    const bool swaps_axes = orientation >= 5;
    const bool flips_rows =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool flips_columns = orientation == 2 || orientation == 3 || orientation >= 7;

    Image upright{
        swaps_axes ? image.width : image.height, swaps_axes ? image.height : image.width, {}};
    upright.rgb.resize(image.rgb.size());
    std::uint8_t* out = upright.rgb.data();
    for (std::size_t y = 0; y < upright.height; ++y) {
        for (std::size_t x = 0; x < upright.width; ++x, out += 3) {
            std::size_t row = swaps_axes ? x : y;
            std::size_t column = swaps_axes ? y : x;
            if (flips_rows) row = image.height - 1 - row;
            if (flips_columns) column = image.width - 1 - column;
            std::copy_n(image.rgb.data() + (row * image.width + column) * 3, 3, out);
        }
    }
    return upright;
}

}  // namespace pf::cli
