// Pre-processing against PIL (tests/golden/image/preprocess.json); rounding rules; refusals.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/image/preprocess.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/fingerprint.hpp"
#include "tests/support/hash.hpp"

namespace {

using nlohmann::json;

json read_golden() {
    std::ifstream file(PF_SOURCE_DIR "/tests/golden/image/preprocess.json");
    REQUIRE(file.good());
    return json::parse(file);
}

// The image of tests/golden/make_image_golden.py: squares of `block` pixels, hashed colours.
struct TestImage {
    std::size_t height, width;
    std::vector<std::uint8_t> rgb;

    TestImage(std::uint64_t seed, std::size_t image_height, std::size_t image_width,
              std::size_t block = 1)
        : height(image_height), width(image_width) {
        const std::uint64_t key = pf::test::name_key("image");
        for (std::size_t y = 0; y < height; ++y) {
            for (std::size_t x = 0; x < width; ++x) {
                const std::size_t first = (y / block * width + x / block) * 3;
                for (std::size_t c = 0; c < 3; ++c) {
                    rgb.push_back(
                        static_cast<std::uint8_t>(pf::test::hash_bits(seed, key, first + c) >> 56));
                }
            }
        }
    }

    pf::ImageView view() const { return {rgb.data(), height, width, width * 3}; }
};

pf::Input make_input(std::size_t shorter_side, std::size_t height, std::size_t width) {
    pf::Input input;
    input.resize_shorter_side = shorter_side;
    input.height = height;
    input.width = width;
    input.mean = {0.485, 0.456, 0.406};
    input.std = {0.229, 0.224, 0.225};
    return input;
}

pf::Input input_of(const json& test_case, const json& golden) {
    pf::Input input =
        make_input(test_case["shorter_side"], test_case["crop_height"], test_case["crop_width"]);
    input.crop_rounding = test_case["crop_rounding"] == "floor" ? pf::CropRounding::floor
                                                                : pf::CropRounding::half_even;
    input.mean = golden["mean"];
    input.std = golden["std"];
    return input;
}

void check_refused(const pf::ImageView& image, const pf::Input& input, std::span<float> output,
                   const std::string& part) {
    pf::test::check_error(pf::preprocess(image, input, output), pf::ErrorCode::invalid_argument,
                          {"image: ", part});
}

}  // namespace

TEST_CASE("preprocess equals PIL bit for bit") {
    const json golden = read_golden();
    REQUIRE(golden["cases"].size() == 21);
    for (const json& test_case : golden["cases"]) {
        CAPTURE(test_case.dump());
        const TestImage image(test_case["seed"], test_case["height"], test_case["width"],
                              test_case["block"]);
        const pf::Input input = input_of(test_case, golden);

        const pf::CropPlan plan = pf::plan_crop(image.height, image.width, input);
        const auto levels = pf::resize_bicubic(image.view(), plan.rows, plan.columns);
        for (std::size_t i = 0; i < test_case["places"].size(); ++i) {
            CHECK(levels[test_case["places"][i]] == test_case["levels"][i]);
        }
        CHECK(pf::test::fingerprint(std::as_bytes(std::span(levels))) ==
              test_case["levels_fingerprint"]);

        std::vector<float> output(3 * input.height * input.width);
        REQUIRE(pf::preprocess(image.view(), input, output));
        static_assert(std::endian::native == std::endian::little);
        CHECK(pf::test::fingerprint(std::as_bytes(std::span(output))) ==
              test_case["floats_fingerprint"]);
    }
}

TEST_CASE("preprocess skips the padding of rows and reads nothing behind the last pixel") {
    const TestImage image(7, 61, 83);
    const std::size_t row_bytes = image.width * 3, stride = row_bytes + 5;
    std::vector<std::uint8_t> padded((image.height - 1) * stride + row_bytes, 0xEE);
    for (std::size_t y = 0; y < image.height; ++y) {
        std::copy_n(image.rgb.begin() + y * row_bytes, row_bytes, padded.begin() + y * stride);
    }
    const pf::Input input = make_input(50, 40, 48);
    std::vector<float> dense_output(3 * 40 * 48), padded_output(3 * 40 * 48);
    REQUIRE(pf::preprocess(image.view(), input, dense_output));
    REQUIRE(
        pf::preprocess({padded.data(), image.height, image.width, stride}, input, padded_output));
    CHECK(dense_output == padded_output);
}

TEST_CASE("plan_crop: longer side rounds down, offset rounds as the dialect says") {
    pf::Input input = make_input(235, 224, 224);
    pf::CropPlan plan = pf::plan_crop(300, 451, input);
    CHECK(plan.rows.resized == 235);
    CHECK(plan.columns.resized == 353);  // 353.28
    CHECK(plan.rows.first == 6);         // 5.5 to even
    CHECK(plan.columns.first == 64);     // 64.5 to even
    CHECK(plan.rows.count == 224);

    input.crop_rounding = pf::CropRounding::floor;
    plan = pf::plan_crop(451, 300, input);
    CHECK(plan.rows.resized == 353);
    CHECK(plan.rows.first == 64);
    CHECK(plan.columns.first == 5);
}

TEST_CASE("preprocess works on the most extreme shapes without resizing what the crop drops") {
    const pf::Input input = make_input(248, 224, 224);
    std::vector<float> output(3 * 224 * 224);
    const std::vector<std::uint8_t> white(3 * pf::kMaxImageSide, 255);
    REQUIRE(pf::preprocess({white.data(), 1, pf::kMaxImageSide, white.size()}, input, output));
    CHECK(output.front() == doctest::Approx((1 - 0.485) / 0.229));
    REQUIRE(pf::preprocess({white.data(), pf::kMaxImageSide, 1, 3}, input, output));
    CHECK(output.back() == doctest::Approx((1 - 0.406) / 0.225));
}

TEST_CASE("preprocess refuses impossible sizes") {
    const std::vector<std::uint8_t> rgb(3 * 4 * 5);
    const pf::Input input = make_input(8, 8, 8);
    std::vector<float> output(3 * 8 * 8);

    check_refused({nullptr, 4, 5, 15}, input, output, "null pointer");
    check_refused({rgb.data(), 0, 5, 15}, input, output, "0x5");
    check_refused({rgb.data(), 4, 0, 15}, input, output, "4x0");
    check_refused({rgb.data(), 65536, 1, 3}, input, output, "65536x1");
    check_refused({rgb.data(), 1, SIZE_MAX, SIZE_MAX}, input, output, "1 to 65535");
    check_refused({rgb.data(), 65535, 65535, 196605}, input, output, "268435456");
    // The most pixels, refused for their rows only, and a row more.
    check_refused({rgb.data(), 16384, 16384, 1}, input, output, "row_stride 1 ");
    check_refused({rgb.data(), 16385, 16384, 1}, input, output, "16385x16384 pixels");
    check_refused({rgb.data(), 4, 5, 14}, input, output, "row_stride 14");
    check_refused({rgb.data(), 4, 5, 15}, input, std::span(output).first(191), "191");
    check_refused({rgb.data(), 4, 5, 15}, make_input(7, 8, 8), output, "8x8");
    check_refused({rgb.data(), 4, 5, 15}, make_input(8, 0, 8), output, "0x8");
}
