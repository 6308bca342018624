// pf_session_run_with: every input format and output, sizes, overlaps.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/api_runs.hpp"
#include "tests/support/blocked_map.hpp"

namespace pf::test {
namespace {

std::vector<std::uint8_t> hash_bytes(std::size_t count) {
    std::vector<std::uint8_t> bytes;
    for (const float value : hash_floats(count, 9)) {
        bytes.push_back(static_cast<std::uint8_t>(std::lround((value + 2) * 63)));
    }
    return bytes;
}

// [batch][3][pixels] as [batch][pixels][3].
std::vector<float> to_nhwc(const std::vector<float>& planes) {
    std::vector<float> pixels(planes.size());
    for (std::size_t i = 0; i < planes.size(); ++i) {
        const std::size_t image = i / (3 * kPixels), c = i / kPixels % 3, p = i % kPixels;
        pixels[(image * kPixels + p) * 3 + c] = planes[i];
    }
    return pixels;
}

}  // namespace

TEST_CASE("pf_session_run_with: all formats and any number of threads give the same bits") {
    const ModelHandle model = load(Folder());
    const std::vector<float> images = hash_floats(kBatch * 3 * kPixels, 5);
    const std::vector<float> expected = plain_logits(model.get(), images);
    for (const std::size_t threads : {1, 2, 3}) {
        for (const std::size_t planned : {std::size_t{1}, kBatch}) {
            Run planar(images);
            const auto session = open_with(model.get(), PF_INPUT_NCHW_F32, threads, planned);
            REQUIRE(pf_session_run_with(session.get(), &planar.request) == PF_OK);
            CHECK(same_bits(planar.logits, expected));

            const std::vector<float> pixels = to_nhwc(images);
            Run interleaved(pixels);
            const auto nhwc = open_with(model.get(), PF_INPUT_NHWC_F32, threads, planned);
            REQUIRE(pf_session_run_with(nhwc.get(), &interleaved.request) == PF_OK);
            CHECK(same_bits(interleaved.logits, expected));
            CHECK(same_bits(interleaved.features, planar.features));
        }
    }
}

TEST_CASE("pf_session_run_with: bytes are normalised as pf_preprocess does") {
    const ModelHandle model = load(Folder());
    const std::vector<std::uint8_t> bytes = hash_bytes(3 * kPixels);
    std::vector<std::uint8_t> batch;
    for (std::size_t i = 0; i < kBatch; ++i) batch.insert(batch.end(), bytes.begin(), bytes.end());
    Run run(batch);
    const auto session = open_with(model.get(), PF_INPUT_NHWC_U8, 2);
    REQUIRE(pf_session_run_with(session.get(), &run.request) == PF_OK);

    // At the size of the input it neither resizes nor crops.
    std::vector<float> planes(kBatch * 3 * kPixels);
    for (std::size_t i = 0; i < kBatch; ++i) {
        REQUIRE(pf_preprocess(model.get(), bytes.data(), kSide, kSide, 3 * kSide,
                              planes.data() + i * 3 * kPixels) == PF_OK);
    }
    CHECK(same_bits(run.logits, plain_logits(model.get(), planes)));
}

TEST_CASE("pf_session_run_with: probabilities of logits whose exponentials over- or underflow") {
    const Description description = tiny_description({.image_size = kSide, .classes = kClasses});
    const std::vector<float> images = hash_floats(kBatch * 3 * kPixels, 6);
    const auto probabilities = [&](const auto& change_bias) {
        TensorMap tensors = hash_weights(description, 1);
        change_bias(tensors.at("fc.bias").values);
        const TemporaryFolder folder;
        write_model(folder, description, tensors);
        const ModelHandle model = load(folder.path());
        const auto session = open_with(model.get(), PF_INPUT_NCHW_F32, 1);
        Run run(images);
        REQUIRE(pf_session_run_with(session.get(), &run.request) == PF_OK);
        return run.probabilities;
    };
    for (const float offset : {-2000.0f, 2000.0f}) {
        const auto found = probabilities([&](auto& bias) {
            for (auto& value : bias) value += offset;
        });
        for (auto image = found.begin(); image != found.end(); image += kClasses) {
            CHECK(std::accumulate(image, image + kClasses, 0.0) ==
                  doctest::Approx(1).epsilon(6e-8));  // 2^-24 of each
        }
    }
    const auto far_apart = probabilities([](auto& bias) {
        for (auto& value : bias) value = -1e30f;
        bias[1] = 1e30f;
    });
    for (std::size_t i = 0; i < far_apart.size(); ++i) {
        CHECK(far_apart[i] == (i % kClasses == 1 ? 1 : 0));
    }
}

TEST_CASE("pf_session_run_with: probabilities, features and stage maps") {
    const ModelHandle model = load(Folder());
    const std::vector<float> images = hash_floats(kBatch * 3 * kPixels, 6);
    const auto session = open_with(model.get(), PF_INPUT_NCHW_F32, 2);
    auto info = sized<pf_session_info>();
    REQUIRE(pf_session_get_info(session.get(), &info) == PF_OK);
    std::vector<std::vector<float>> maps;
    std::vector<float*> pointers;
    std::vector<std::size_t> sizes;
    for (std::size_t stage = 0; stage < 2; ++stage) {
        auto shape = sized<pf_tap_info>();
        REQUIRE(pf_session_stage_info(session.get(), stage, &shape) == PF_OK);
        CHECK(std::string(shape.name) == (stage == 0 ? "s0.b0" : "s1.b1"));
        pointers.push_back(
            maps.emplace_back(kBatch * shape.channels * shape.height * shape.width).data());
        sizes.push_back(maps.back().size());
    }
    Run run(images);
    run.request.stage_maps = pointers.data();
    run.request.num_stages = pointers.size();
    run.request.stage_map_floats = sizes.data();
    REQUIRE(pf_session_run_with(session.get(), &run.request) == PF_OK);
    CHECK(same_bits(run.logits, plain_logits(model.get(), images)));

    // The stage maps are the taps of the last blocks, image by image.
    for (std::size_t n = 0; n < kBatch; ++n) {
        std::vector<float> first(maps[0].size() / kBatch), last(maps[1].size() / kBatch);
        std::vector<float*> taps{first.data(), nullptr, last.data()};
        std::vector<float> logits(kClasses);
        REQUIRE(pf_session_run_tapped(session.get(), images.data() + n * 3 * kPixels, logits.data(),
                                      taps.data(), taps.size()) == PF_OK);
        CHECK(same_bits(std::span(maps[0]).subspan(n * first.size(), first.size()), first));
        CHECK(same_bits(std::span(maps[1]).subspan(n * last.size(), last.size()), last));

        double sum = 0;
        for (std::size_t i = 0; i < kClasses; ++i) sum += std::exp(double{logits[i]});
        for (std::size_t i = 0; i < kClasses; ++i) {
            CHECK(run.probabilities[n * kClasses + i] ==
                  doctest::Approx(std::exp(double{logits[i]}) / sum).epsilon(1e-7));
        }
    }

    // Outputs that are not wanted change no bit of the others.
    Run fewer(images);
    fewer.request.logits = nullptr;
    fewer.request.features = nullptr;
    REQUIRE(pf_session_run_with(session.get(), &fewer.request) == PF_OK);
    CHECK(same_bits(fewer.probabilities, run.probabilities));
}

TEST_CASE("pf_session_run_with: wrong sizes, and buffers that overlap, are refused by name") {
    const ModelHandle model = load(Folder());
    std::vector<float> images(kBatch * 3 * kPixels);
    const auto session = open_with(model.get(), PF_INPUT_NCHW_F32);
    const auto refused = [&](const char* part, auto&& damage) {
        Run run(images);
        damage(run.request);
        check_refused(pf_session_run_with(session.get(), &run.request), PF_INVALID_ARGUMENT, part);
    };
    refused("input_bytes: found", [](pf_run& run) { run.input_bytes -= 4; });
    refused("input_bytes: found", [](pf_run& run) { run.batch += 1; });
    refused("batch: found", [](pf_run& run) { run.batch = std::size_t{1} << 62; });
    refused("num_logits: found 14, expected 15", [](pf_run& run) { run.num_logits -= 1; });
    refused("num_probabilities: found", [](pf_run& run) { run.num_probabilities += 1; });
    refused("num_features: found", [](pf_run& run) { run.num_features = 0; });
    refused("input is NULL", [](pf_run& run) { run.input = nullptr; });
    refused("logits overlaps the input", [&](pf_run& run) { run.logits = images.data() + 7; });
    refused("features overlaps", [&](pf_run& run) { run.features = images.data(); });
    float* maps[] = {nullptr, images.data()};
    refused("num_stages: found 1", [&](pf_run& run) { run.stage_maps = maps, run.num_stages = 1; });
    const std::size_t sizes[] = {0, 1};
    refused("stage_map_floats[1]: found 1", [&](pf_run& run) {
        run.stage_maps = maps, run.num_stages = 2, run.stage_map_floats = sizes;
    });
    refused("stage_maps overlaps", [&](pf_run& run) { run.stage_maps = maps, run.num_stages = 2; });
    check_null(pf_session_run_with(nullptr, nullptr), "session");
    check_null(pf_session_run_with(session.get(), nullptr), "run");
    check_refused(pf_session_run(session.get(), images.data(), 1, images.data() + 1),
                  PF_INVALID_ARGUMENT, "overlaps");
    refused("probabilities overlaps logits", [](pf_run& run) { run.probabilities = run.logits; });
    refused("features overlaps probabilities",
            [](pf_run& run) { run.features = run.probabilities + run.num_probabilities - 1; });
    std::vector<float> map(kBatch * 8 * 36 + 1), logits(kClasses);
    float* same[] = {map.data(), map.data() + 1};
    refused("stage_maps overlaps stage_maps",
            [&](pf_run& run) { run.stage_maps = same, run.num_stages = 2; });
    float* taps[] = {nullptr, nullptr, images.data() + 3 * kPixels - 1};
    const auto run_tapped = [&] {
        return pf_session_run_tapped(session.get(), images.data(), logits.data(), taps, 3);
    };
    check_refused(run_tapped(), PF_INVALID_ARGUMENT, "taps overlaps the input");
    taps[2] = logits.data() + kClasses - 1;
    check_refused(run_tapped(), PF_INVALID_ARGUMENT, "taps overlaps logits");
    taps[2] = images.data() + 3 * kPixels;  // of the images behind, which this run leaves alone
    CHECK(run_tapped() == PF_OK);
    taps[1] = taps[2];
    check_refused(run_tapped(), PF_INVALID_ARGUMENT, "taps overlaps taps");
    check_refused(pf_session_run(session.get(), images.data(), SIZE_MAX / 8, images.data()),
                  PF_INVALID_ARGUMENT, "batch");
    // What this batch does not need may be missing: any buffer at all, or a size of nothing.
    pf_run nothing = sized<pf_run>();
    nothing.input = images.data();
    nothing.input_bytes = 3 * kPixels * sizeof(float);
    CHECK(pf_session_run_with(session.get(), &nothing) == PF_OK);
}

// Memory for floats that begins at no multiple of a float's size.
struct Misaligned {
    std::vector<std::byte> bytes;

    explicit Misaligned(std::size_t num_floats) : bytes(num_floats * sizeof(float) + 3) {}
    float* data() { return reinterpret_cast<float*>(bytes.data() + 3); }
    std::vector<float> values() const {
        std::vector<float> copy((bytes.size() - 3) / sizeof(float));
        std::memcpy(copy.data(), bytes.data() + 3, bytes.size() - 3);
        return copy;
    }
};

TEST_CASE("pf_session_run_with: buffers need no alignment") {
    const ModelHandle model = load(Folder());
    const std::vector<float> images = hash_floats(kBatch * 3 * kPixels, 7);
    Misaligned input(images.size());
    std::memcpy(input.data(), images.data(), images.size() * sizeof(float));
    for (const auto format : {PF_INPUT_NCHW_F32, PF_INPUT_NHWC_F32}) {
        for (const std::size_t threads : {1, 2}) {
            const auto session = open_with(model.get(), format, threads);
            std::vector<float> map(kBatch * 8 * 36);
            float* maps[] = {map.data(), nullptr};
            Run aligned(images);
            aligned.request.stage_maps = maps;
            aligned.request.num_stages = 2;
            REQUIRE(pf_session_run_with(session.get(), &aligned.request) == PF_OK);

            Misaligned logits(kBatch * kClasses), probabilities(kBatch * kClasses);
            Misaligned features(kBatch * kFeatures), stage_map(map.size());
            float* misaligned_maps[] = {stage_map.data(), nullptr};
            Run run(images);
            run.request.input = input.data();
            run.request.logits = logits.data();
            run.request.probabilities = probabilities.data();
            run.request.features = features.data();
            run.request.stage_maps = misaligned_maps;
            run.request.num_stages = 2;
            REQUIRE(pf_session_run_with(session.get(), &run.request) == PF_OK);
            CHECK(same_bits(logits.values(), aligned.logits));
            CHECK(same_bits(probabilities.values(), aligned.probabilities));
            CHECK(same_bits(features.values(), aligned.features));
            CHECK(same_bits(stage_map.values(), map));
        }
    }
}

TEST_CASE("pf_session_run_with: NaN and infinity reach all outputs of their image, no other's") {
    const ModelHandle model = load(Folder());
    const auto session = open_with(model.get(), PF_INPUT_NCHW_F32, 2);
    std::vector<float> images = hash_floats(kBatch * 3 * kPixels, 8);
    Run clean(images);
    REQUIRE(pf_session_run_with(session.get(), &clean.request) == PF_OK);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        images[3 * kPixels + 100] = bad;
        Run run(images);
        REQUIRE(pf_session_run_with(session.get(), &run.request) == PF_OK);
        const auto check = [](const std::vector<float>& found, const std::vector<float>& expected) {
            const std::size_t size = found.size() / kBatch;
            for (std::size_t i = 0; i < found.size(); ++i) {
                if (i / size == 1) {
                    CHECK(std::isnan(found[i]));
                } else {
                    CHECK(found[i] == expected[i]);
                }
            }
        };
        check(run.logits, clean.logits);
        check(run.probabilities, clean.probabilities);
        check(run.features, clean.features);
    }
}

}  // namespace pf::test
