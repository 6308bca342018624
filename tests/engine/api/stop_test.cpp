// Runs that stop before their end: timeouts, of a run or a session, and pf_session_cancel.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/support/api_runs.hpp"
#include "tests/support/blocked_map.hpp"

namespace pf::test {

TEST_CASE("timeout_us of a session is that of its runs, unless they set one") {
    const ModelHandle model = load(Folder());
    auto options = sized<pf_session_options>();
    options.timeout_us = 1;
    const SessionHandle session = open(model.get(), &options);
    const std::vector<float> images(kBatch * 3 * kPixels, 0.5f);
    Run run(images);
    const auto too_late = [](pf_status found) {
        check_refused(found, PF_DEADLINE_EXCEEDED, "timeout");
    };
    too_late(pf_session_run_with(session.get(), &run.request));
    too_late(pf_session_run(session.get(), images.data(), 1, run.logits.data()));
    float* taps[3] = {};
    too_late(pf_session_run_tapped(session.get(), images.data(), run.logits.data(), taps, 3));
    for (const std::uint64_t for_ever : {UINT64_MAX, std::uint64_t{INT64_MAX}, UINT64_MAX / 4}) {
        run.request.timeout_us = for_ever;
        CHECK(pf_session_run_with(session.get(), &run.request) == PF_OK);
    }
}

TEST_SUITE("threads") {
    TEST_CASE("pf_session_cancel and timeout_us stop a run; the session runs on afterwards") {
        const ModelHandle model = load(Folder());
        constexpr std::size_t kMany = 5000;  // far more than milliseconds of work
        const std::vector<float> images(kMany * 3 * kPixels, 0.5f);
        std::vector<float> logits(kMany * kClasses);
        pf_run request = request_of(kMany, images, logits);
        const std::vector<float> expected =
            plain_logits(model.get(), {images.begin(), images.begin() + kBatch * 3 * kPixels});
        for (const std::size_t threads : {1, 2, 3}) {
            for (const std::size_t planned : {1, 3}) {
                CAPTURE(threads);
                CAPTURE(planned);
                const auto session = open_with(model.get(), PF_INPUT_NCHW_F32, threads, planned);
                request.timeout_us = 2000;
                check_refused(pf_session_run_with(session.get(), &request), PF_DEADLINE_EXCEEDED,
                              "timeout");
                request.timeout_us = 0;
                std::atomic<bool> is_over{false};
                std::thread other([&] {
                    while (!is_over) {  // the first ones may come before the run
                        pf_session_cancel(session.get());
                        std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    }
                });
                const pf_status status = pf_session_run_with(session.get(), &request);
                is_over = true;
                other.join();
                check_refused(status, PF_CANCELLED, "cancelled");
                std::vector<float> after(kBatch * kClasses);
                REQUIRE(pf_session_run(session.get(), images.data(), kBatch, after.data()) ==
                        PF_OK);
                CHECK(same_bits(after, expected));
            }
        }
        pf_session_cancel(nullptr);
    }
}

// One image of a deep network: half of its blocks write stage map 0 before the others write 1.
struct DeepRun {
    static constexpr std::size_t kDepth = 24, kImage = 256, kMapSide = kImage / 4;
    SessionHandle session;
    std::vector<float> image = std::vector<float>(3 * kImage * kImage, 0.5f);
    std::vector<float> first = std::vector<float>(16 * kMapSide * kMapSide);
    std::vector<float> last = std::vector<float>(16 * kMapSide * kMapSide / 4);
    float* maps[2] = {first.data(), last.data()};
    pf_run request = sized<pf_run>();

    explicit DeepRun(std::size_t threads) {
        const Description description =
            tiny_description({.depths = {kDepth, kDepth}, .channels = {16, 16}});
        const TemporaryFolder folder;
        write_model(folder, description, hash_weights(description, 1));
        const auto options = session_options(kImage, kImage, threads);
        session = open(load(folder.path()).get(), &options);
        request.input = image.data();
        request.input_bytes = image.size() * sizeof(float);
        request.stage_maps = maps;
        request.num_stages = 2;
    }

    pf_status run() {
        std::fill(first.begin(), first.end(), 0.0f);
        std::fill(last.begin(), last.end(), 0.0f);
        return pf_session_run_with(session.get(), &request);
    }
    bool has_ended() const { return last != std::vector<float>(last.size()); }
};

TEST_SUITE("threads") {
    // How soon the other thread comes to cancel, and how long a run takes, is the machine's affair,
    // so each has many attempts. None of them would do if only whole images could be left out.
    TEST_CASE("a single image stops between two of its steps") {
        constexpr int kAttempts = 50;
        for (const std::size_t threads : {1, 2}) {
            CAPTURE(threads);
            DeepRun deep(threads);
            const auto start = std::chrono::steady_clock::now();
            REQUIRE(deep.run() == PF_OK);
            const auto time = std::chrono::steady_clock::now() - start;
            CHECK(deep.has_ended());

            bool is_stopped = false;
            const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
            for (int i = 0; !is_stopped && i < kAttempts; ++i) {
                // Ever less: something may have slowed down the run that was timed.
                deep.request.timeout_us = static_cast<std::uint64_t>(us / (3 + i));
                is_stopped = deep.run() == PF_DEADLINE_EXCEEDED && !deep.has_ended();
            }
            CHECK(is_stopped);

            is_stopped = false;
            deep.request.timeout_us = 0;
            for (int i = 0; !is_stopped && i < kAttempts; ++i) {
                std::thread other([&] {
                    std::this_thread::sleep_for(time / (3 + i));
                    pf_session_cancel(deep.session.get());
                });
                is_stopped = deep.run() == PF_CANCELLED && !deep.has_ended();
                other.join();
            }
            CHECK(is_stopped);
        }
    }
}

}  // namespace pf::test
