// The small parts of the command line: predictions, percentiles, sizes, words, orientation.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tools/cli/latency.hpp"
#include "tools/cli/orientation.hpp"
#include "tools/cli/predictions.hpp"
#include "tools/cli/report.hpp"
#include "tools/cli/runner.hpp"

namespace {

std::vector<std::size_t> classes_of(const std::vector<pf::cli::Prediction>& predictions) {
    std::vector<std::size_t> classes;
    for (const auto& prediction : predictions) classes.push_back(prediction.class_index);
    return classes;
}

// An image whose pixels hold 1, 2, 3, ... row by row, in each colour.
pf::cli::Image make_numbered(std::size_t height, std::size_t width) {
    pf::cli::Image image{height, width, {}};
    for (std::size_t i = 0; i < height * width; ++i) {
        image.rgb.insert(image.rgb.end(), 3, static_cast<std::uint8_t>(i + 1));
    }
    return image;
}

std::string numbers_of(const pf::cli::Image& image) {
    std::string text;
    for (std::size_t i = 0; i < image.height * image.width; ++i) {
        text += (i % image.width == 0 && i > 0) ? "/" : "";
        text += std::to_string(image.rgb[3 * i]);
    }
    return text;
}

}  // namespace

TEST_CASE("top_predictions: best first, ties by index") {
    const std::vector<float> probabilities = {0.125f, 0.25f, 0.1875f, 0.25f, 0};
    const auto top = pf::cli::top_predictions(probabilities, 3);
    CHECK(classes_of(top) == std::vector<std::size_t>{1, 3, 2});
    CHECK(top[0].probability == 0.25f);
    CHECK(top[2].probability == 0.1875f);
}

TEST_CASE("top_predictions: more than there are, none, NaN") {
    CHECK(pf::cli::top_predictions(std::vector<float>{0, 0}, 99).size() == 2);
    CHECK(pf::cli::top_predictions({}, 5).empty());
    const std::vector<float> invalid(3, std::numeric_limits<float>::quiet_NaN());
    CHECK(classes_of(pf::cli::top_predictions(invalid, 3)) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("summarise: percentiles are samples of the nearest rank") {
    std::vector<double> samples;
    for (int i = 200; i >= 1; --i) samples.push_back(i);
    const pf::cli::Latency latency = pf::cli::summarise(samples);
    CHECK(latency.num_samples == 200);
    CHECK(latency.min_ms == 1);
    CHECK(latency.median_ms == 100);
    CHECK(latency.p90_ms == 180);
    CHECK(latency.p99_ms == 198);
    CHECK(latency.p999_ms == 200);
    CHECK(pf::cli::summarise({7}).p99_ms == 7);
    CHECK(pf::cli::summarise({9, 7, 8}).median_ms == 8);
    CHECK(pf::cli::median({2, 1}) == 1);
    for (int i = 201; i <= 20000; ++i) samples.push_back(i);
    CHECK(pf::cli::summarise(samples).p999_ms == 19980);
    CHECK(pf::cli::median(samples) == pf::cli::summarise(samples).median_ms);
}

TEST_CASE("parse_size: HEIGHTxWIDTH and nothing else") {
    pf::cli::InputSize size;
    CHECK(pf::cli::parse_size("224x320", size).empty());
    CHECK(size.height == 224);
    CHECK(size.width == 320);
    for (const char* text :
         {"", "x", "224", "224x", "x224", "224X224", "0x5", "5x0", "-1x5", "5x5x5", "5 x5", "5x5 ",
          "65536x1", "99999999999999999999x1", "5.0x5"}) {
        CAPTURE(text);
        CHECK(pf::cli::parse_size(text, size).find("224x224") != std::string::npos);
        CHECK(size.height == 224);
    }
}

TEST_CASE("words: commas, bytes, control characters") {
    CHECK(pf::cli::with_commas(0) == "0");
    CHECK(pf::cli::with_commas(999) == "999");
    CHECK(pf::cli::with_commas(1000) == "1,000");
    CHECK(pf::cli::with_commas(1234567) == "1,234,567");
    CHECK(pf::cli::bytes_text(1572864) == "1,572,864 bytes (1.50 MiB)");
    CHECK(pf::cli::without_controls("a\x1B[31m\n\x7F b\xC3\xA4") == "a?[31m?? b\xC3\xA4");
    CHECK(pf::cli::without_controls("\xC2\x9B\x33\xC2\xA0\xC2") == "?3\xC2\xA0\xC2");
    CHECK(pf::cli::format("%s %d", "a", 5) == "a 5");
}

TEST_CASE("apply_orientation: all eight, on a 2x3 image") {
    const std::string expected[] = {"123/456",  "321/654",  "654/321",  "456/123",
                                    "14/25/36", "41/52/63", "63/52/41", "36/25/14"};
    for (int orientation = 1; orientation <= 8; ++orientation) {
        CAPTURE(orientation);
        const auto upright = pf::cli::apply_orientation(make_numbered(2, 3), orientation);
        CHECK(numbers_of(upright) == expected[orientation - 1]);
    }
    CHECK(numbers_of(pf::cli::apply_orientation(make_numbered(2, 3), 9)) == "123/456");
    CHECK(numbers_of(pf::cli::apply_orientation(make_numbered(2, 3), 0)) == "123/456");
}

TEST_CASE("open_runner: what is wrong with the model, and a hint") {
    pf::cli::RunnerOptions options;
    options.model = PF_SOURCE_DIR "/tests";
    const auto runner = pf::cli::open_runner(options);
    REQUIRE_FALSE(runner);
    CHECK(runner.error().message.find("model.json") != std::string::npos);
    CHECK(runner.error().message.find("models/README.md") != std::string::npos);
}
