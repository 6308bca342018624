// Runs that stop before their end: timeouts, of a run or a session, and pf_session_cancel.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

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
    run.request.timeout_us = UINT64_MAX;
    CHECK(pf_session_run_with(session.get(), &run.request) == PF_OK);
}

TEST_SUITE("threads") {
    TEST_CASE("pf_session_cancel and timeout_us stop a run; the session runs on afterwards") {
        const ModelHandle model = load(Folder());
        constexpr std::size_t kMany = 5000;  // far more than milliseconds of work
        const std::vector<float> images(kMany * 3 * kPixels, 0.5f);
        std::vector<float> logits(kMany * kClasses);
        auto request = sized<pf_run>();
        request.batch = kMany;
        request.input = images.data();
        request.input_bytes = images.size() * sizeof(float);
        request.logits = logits.data();
        request.num_logits = logits.size();
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

}  // namespace pf::test
