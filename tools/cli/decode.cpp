// Reading an image file: bytes in, type by its first bytes, then the decoder of that type.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/decode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "engine/image/preprocess.hpp"
#include "engine/load/file_reader.hpp"

namespace pf::cli {
namespace {

using namespace std::string_view_literals;

struct Signature {
    std::string_view magic;
    std::size_t offset;
    const char* name;
};

constexpr Signature kJpeg = {"\xFF\xD8\xFF"sv, 0, "JPEG"};
constexpr Signature kPng = {"\x89PNG\r\n\x1A\n"sv, 0, "PNG"};
constexpr std::array kForeign = {
    Signature{"GIF8"sv, 0, "GIF"},      Signature{"WEBP"sv, 8, "WebP"},
    Signature{"BM"sv, 0, "BMP"},        Signature{"II*\0"sv, 0, "TIFF"},
    Signature{"MM\0*"sv, 0, "TIFF"},    Signature{"ftypheic"sv, 4, "HEIC"},
    Signature{"ftypavif"sv, 4, "AVIF"}, Signature{"\x97JB2"sv, 0, "JBIG2"},
};

bool matches(Bytes bytes, const Signature& signature) {
    const std::size_t end = signature.offset + signature.magic.size();
    return bytes.size() >= end && std::memcmp(bytes.data() + signature.offset,
                                              signature.magic.data(), signature.magic.size()) == 0;
}

Error refuse_type(Bytes bytes, const std::string& file) {
    if (bytes.empty()) {
        return {ErrorCode::invalid_argument,
                file + ": found an empty file, expected JPEG or PNG; copy or save it again"};
    }
    const auto* found = std::find_if(kForeign.begin(), kForeign.end(),
                                     [&](const Signature& s) { return matches(bytes, s); });
    const std::string what = found == kForeign.end() ? "no image" : found->name;
    return {ErrorCode::unsupported, file + ": found " + what +
                                        " (by its first bytes), expected JPEG or PNG; convert it "
                                        "to one of these first"};
}

Result<std::vector<std::uint8_t>> read_file(const std::string& file) {
    if (file.empty()) {
        return Error{ErrorCode::file_error,
                     "\"\": found an empty name, expected that of a JPEG or PNG file"};
    }
    auto reader = FileReader::open(file, kMaxFileBytes);
    if (!reader) {
        std::error_code ignored;
        const std::string advice =
            std::filesystem::is_directory(file, ignored)
                ? "; name the images in it, as with " + file + "/*.jpg"
                : "; name a JPEG or PNG file that you may read, of at most " +
                      std::to_string(kMaxFileBytes >> 20) + " MiB";
        return Error{reader.error().code, reader.error().message + advice};
    }
    std::vector<std::uint8_t> bytes(reader->size());
    if (Status status = reader->read(std::as_writable_bytes(std::span(bytes))); !status) {
        return status.error();
    }
    return bytes;
}

}  // namespace

Status check_size(std::size_t height, std::size_t width, const std::string& file) {
    static_assert(kMaxPixels <= kMaxImagePixels);
    const std::string found =
        file + ": found " + std::to_string(width) + "x" + std::to_string(height) + " pixels, ";
    if (height == 0 || width == 0) {
        return Error{ErrorCode::invalid_argument, found + "expected at least 1x1"};
    }
    if (height > kMaxImageSide || width > kMaxImageSide || height * width > kMaxPixels) {
        return Error{ErrorCode::unsupported, found + "expected sides of at most " +
                                                 std::to_string(kMaxImageSide) + " and at most " +
                                                 std::to_string(kMaxPixels / 1'000'000) +
                                                 " million pixels; scale the image down"};
    }
    return {};
}

Result<Image> decode_image(Bytes bytes, const std::string& file) {
    if (matches(bytes, kJpeg)) return decode_jpeg(bytes, file);
    if (matches(bytes, kPng)) return decode_png(bytes, file);
    return refuse_type(bytes, file);
}

Result<Image> load_image(const std::string& file) {
    const auto bytes = read_file(file);
    if (!bytes) return bytes.error();
    return decode_image(*bytes, file);
}

}  // namespace pf::cli
