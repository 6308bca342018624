// The decoders against PIL on every kind of file (tests/golden/image/decode), and on broken ones.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/error_checks.hpp"
#include "tests/support/fingerprint.hpp"
#include "tests/support/hash.hpp"
#include "tools/cli/decode.hpp"

namespace {

using namespace std::string_view_literals;
using FileBytes = std::vector<std::uint8_t>;

const std::string kFolder = PF_SOURCE_DIR "/tests/golden/image/decode/";

FileBytes read_fixture(const std::string& name) {
    std::ifstream file(kFolder + name, std::ios::binary);
    REQUIRE(file.good());
    return FileBytes(std::istreambuf_iterator<char>(file), {});
}

void check_refused(const FileBytes& bytes, const std::string& part,
                   pf::ErrorCode code = pf::ErrorCode::invalid_argument) {
    pf::test::check_error(pf::cli::decode_image(bytes, "some/file"), code, {"some/file: ", part});
}

// A gray progressive JPEG of 8x8 pixels whose only coefficient, a zero, comes in every scan again.
FileBytes repeated_scans(std::size_t num_scans) {
    FileBytes bytes = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};  // quantised by ones
    bytes.insert(bytes.end(), 64, 1);
    const FileBytes frame = {0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    FileBytes huffman = {0xFF, 0xC4, 0, 20, 0, 1};  // one code, of one bit: no difference
    huffman.resize(huffman.size() + 16);
    bytes.insert(bytes.end(), huffman.begin(), huffman.end());
    const FileBytes scan = {0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x7F};
    for (std::size_t i = 0; i < num_scans; ++i) {
        bytes.insert(bytes.end(), scan.begin(), scan.end());
    }
    bytes.insert(bytes.end(), {0xFF, 0xD9});
    return bytes;
}

std::size_t find(const FileBytes& bytes, const std::string& text) {
    const auto found = std::search(
        bytes.begin(), bytes.end(), text.begin(), text.end(),
        [](std::uint8_t byte, char letter) { return byte == static_cast<std::uint8_t>(letter); });
    REQUIRE(found != bytes.end());
    return static_cast<std::size_t>(found - bytes.begin());
}

// Its length before the chunk's kind and data, its checksum behind.
FileBytes png_chunk(const std::string& kind_and_data) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char letter : kind_and_data) {
        crc ^= static_cast<std::uint8_t>(letter);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    FileBytes bytes;
    const auto append = [&](std::size_t number) {
        for (const int shift : {24, 16, 8, 0}) bytes.push_back(number >> shift & 0xFF);
    };
    append(kind_and_data.size() - 4);
    bytes.insert(bytes.end(), kind_and_data.begin(), kind_and_data.end());
    append(~crc);
    return bytes;
}

}  // namespace

TEST_CASE("decoders equal PIL on every kind of JPEG and PNG") {
    std::ifstream file(kFolder + "expected.json");
    const auto expected = nlohmann::json::parse(file);
    REQUIRE(expected.size() == 33);
    for (const auto& entry : expected) {
        CAPTURE(entry.dump());
        const auto image = pf::cli::load_image(kFolder + entry["file"].get<std::string>());
        REQUIRE(image);
        CHECK(image->height == entry["height"]);
        CHECK(image->width == entry["width"]);
        CHECK(image->rgb.size() == image->height * image->width * 3);
        CHECK(pf::test::fingerprint(std::as_bytes(std::span(image->rgb))) ==
              entry["rgb_fingerprint"]);
    }
}

TEST_CASE("decoders refuse CMYK and 16 bits, and say what to do") {
    check_refused(read_fixture("cmyk.jpg"), "found a CMYK JPEG, expected RGB or gray; convert",
                  pf::ErrorCode::unsupported);
    check_refused(read_fixture("rgb_16.png"), "16 bits per colour, expected at most 8; convert",
                  pf::ErrorCode::unsupported);
    check_refused(read_fixture("gray_16.png"), "16 bits per colour, expected at most 8; convert",
                  pf::ErrorCode::unsupported);
}

TEST_CASE("decoders refuse what is not JPEG or PNG by its first bytes") {
    const auto bytes_of = [](const std::string& text) {
        return FileBytes(text.begin(), text.end());
    };
    check_refused({}, "found an empty file, expected JPEG or PNG; copy or save it again");
    check_refused(bytes_of("hello"), "found no image", pf::ErrorCode::unsupported);
    check_refused(bytes_of("GIF89a..."), "found GIF", pf::ErrorCode::unsupported);
    check_refused(bytes_of("RIFF....WEBPVP8 "), "found WebP", pf::ErrorCode::unsupported);
    check_refused({0xFF, 0xD8}, "found no image", pf::ErrorCode::unsupported);
    check_refused({0xFF, 0xD8, 0xFF}, "damaged JPEG");

    FileBytes wrong_magic = read_fixture("rgb.png");
    wrong_magic[1] = 'Q';
    check_refused(wrong_magic, "found no image", pf::ErrorCode::unsupported);
}

TEST_CASE("load_image refuses missing files, folders, and trusts bytes more than names") {
    for (const char* name : {"missing.png", "", "."}) {
        pf::test::check_error(pf::cli::load_image(kFolder + name), pf::ErrorCode::file_error,
                              {kFolder + name});
    }
    pf::test::check_error(pf::cli::load_image(kFolder + "expected.json"),
                          pf::ErrorCode::unsupported, {"no image"});
}

TEST_CASE("decoders refuse a file cut anywhere") {
    for (const char* name :
         {"rgb_420.jpg", "rgb_progressive.jpg", "orientation_6.jpg", "gray.jpg"}) {
        CAPTURE(name);
        const FileBytes whole = read_fixture(name);
        for (std::size_t size = 3; size < whole.size(); ++size) {
            CAPTURE(size);
            check_refused(FileBytes(whole.begin(), whole.begin() + size), "damaged JPEG");
        }
    }
    for (const char* name : {"rgb.png", "rgb_interlaced.png", "palette_transparent.png"}) {
        CAPTURE(name);
        const FileBytes whole = read_fixture(name);
        for (std::size_t size = 8; size < whole.size(); ++size) {
            CAPTURE(size);
            check_refused(FileBytes(whole.begin(), whole.begin() + size),
                          "the file ends too early");
        }
    }
}

TEST_CASE("decoders refuse impossible and absurd sizes before allocating") {
    FileBytes jpeg = read_fixture("rgb_420.jpg");
    const std::size_t frame = find(jpeg, "\xFF\xC0");  // length 2, precision 1, height 2, width 2
    FileBytes changed = jpeg;
    changed[frame + 5] = changed[frame + 6] = 0;
    check_refused(changed, "damaged JPEG");
    for (std::size_t i = 5; i < 9; ++i) jpeg[frame + i] = 0xEE;
    check_refused(jpeg, "61166x61166 pixels, expected sides of at most",
                  pf::ErrorCode::unsupported);

    FileBytes taller = read_fixture("rgb_420.jpg");
    taller[frame + 5] = 0x20;
    check_refused(taller, "damaged JPEG");
}

TEST_CASE("the JPEG decoder refuses thousands of scans, which would keep it busy for long") {
    CHECK(pf::cli::decode_image(repeated_scans(500), "some/file"));
    check_refused(repeated_scans(501), "damaged JPEG (more than 500 scans)");
}

TEST_CASE("the JPEG decoder refuses data without the restart markers it announces") {
    FileBytes changed = read_fixture("gray.jpg");
    const FileBytes interval = {0xFF, 0xDD, 0, 4, 0, 1};  // a marker after every block
    changed.insert(changed.begin() + 2, interval.begin(), interval.end());
    check_refused(changed, "instead of RST0");
}

TEST_CASE("the PNG decoder refuses bad checksums, zero sizes and huge sizes") {
    const FileBytes whole = read_fixture("rgb.png");
    for (const char* kind : {"IHDR", "IDAT", "IEND", "eXIf"}) {
        CAPTURE(kind);
        FileBytes changed = kind == "eXIf"sv ? read_fixture("orientation.png") : whole;
        const std::size_t data = find(changed, kind) + 4;
        const std::size_t size = changed[data - 6] * 256u + changed[data - 5];
        changed[data + size] ^= 1;
        check_refused(changed, "damaged PNG");
    }
    FileBytes zero = whole;
    std::fill_n(zero.begin() + 16, 4, 0);
    check_refused(zero, "damaged PNG");
    FileBytes huge = whole;
    std::fill_n(huge.begin() + 16, 8, 0x7F);
    check_refused(huge, "damaged PNG");
}

TEST_CASE("check_size: limits of the sides and of all pixels") {
    CHECK(pf::cli::check_size(1, 1, "x"));
    CHECK(pf::cli::check_size(10'000, 10'000, "x"));
    CHECK_FALSE(pf::cli::check_size(10'000, 10'001, "x"));
    CHECK_FALSE(pf::cli::check_size(65'536, 1, "x"));
    CHECK_FALSE(pf::cli::check_size(0, 5, "x"));
    CHECK_FALSE(pf::cli::check_size(SIZE_MAX, SIZE_MAX, "x"));
}

TEST_CASE("decoders refuse EXIF metadata that cannot be read") {
    const FileBytes whole = read_fixture("orientation_6.jpg");
    const std::size_t tiff = find(whole, std::string("II*\0", 4));
    const auto check_changed = [&](std::size_t offset, std::uint8_t value, const char* part) {
        FileBytes changed = whole;
        changed[tiff + offset] = value;
        check_refused(changed, part);
    };
    check_changed(0, 'X', "EXIF metadata is damaged (no TIFF header)");
    check_changed(2, 7, "EXIF metadata is damaged (no TIFF header)");
    check_changed(7, 0xFF, "its first directory leaves the block");
    check_changed(4, 200, "its first directory leaves the block");
    FileBytes changed = whole;
    changed[tiff + 9] = 0xFF;   // 65,000 entries,
    changed[tiff + 10] = 0x13;  // none of them an orientation
    check_refused(changed, "its first directory leaves the block");
}

TEST_CASE("the PNG decoder refuses EXIF metadata that libpng would leave out") {
    const FileBytes whole = read_fixture("orientation.png");
    const std::size_t begin = find(whole, "eXIf") - 4, end = find(whole, "IDAT") - 4;
    const auto with_exif = [&](const std::string& data) {
        FileBytes changed(whole.begin(), whole.begin() + begin);
        const FileBytes chunk = png_chunk("eXIf" + data);
        changed.insert(changed.end(), chunk.begin(), chunk.end());
        changed.insert(changed.end(), whole.begin() + end, whole.end());
        return changed;
    };
    std::string data(whole.begin() + begin + 8, whole.begin() + end - 4);
    CHECK(with_exif(data) == whole);
    data[1] = 'X';
    check_refused(with_exif(data), "damaged PNG (eXIf: incorrect byte-order specifier)");
    check_refused(with_exif("I"), "damaged PNG (eXIf: too short)");
    data[1] = 'I';
    data[2] = 7;
    check_refused(with_exif(data), "EXIF metadata is damaged (no TIFF header)");
}

TEST_CASE("decoders survive any single damaged byte") {
    for (const char* name : {"rgb_progressive.jpg", "orientation_7.jpg", "palette_transparent.png",
                             "rgb_interlaced.png", "orientation.png"}) {
        CAPTURE(name);
        const FileBytes whole = read_fixture(name);
        std::size_t num_refused = 0;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            FileBytes changed = whole;
            changed[i] = static_cast<std::uint8_t>(pf::test::hash_bits(1, 2, i));
            const auto image = pf::cli::decode_image(changed, name);
            if (!image) ++num_refused;
            if (image) CHECK(image->rgb.size() == image->height * image->width * 3);
        }
        CHECK(num_refused > 20);
    }
}
