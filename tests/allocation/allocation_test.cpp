// Running a session allocates nothing of ours: every allocation of the process is counted.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "kernels/dispatch.hpp"
#include "poolformer/poolformer.hpp"
#include "tests/allocation/hooks.hpp"
#include "tests/support/api_handles.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/shipped_model.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kImageSide = 40;
constexpr std::size_t kBatch = 3;

// What oneDNN 2.6.3 asks for to execute a primitive: a table of its five arguments, and an entry
// for each. Where another version asks for more, docs/embedding.md has to say so.
constexpr int kAllocationsOfOneDnn = 6;

void check_run(const Counts& counts) {
    CHECK(counts.ours == 0);
    CHECK(counts.executions > 0);
    CHECK(counts.onednn == kAllocationsOfOneDnn * counts.executions);
}

}  // namespace

TEST_CASE("the counters tell oneDNN's allocations from ours") {
    std::string refusal;
    const auto convolution = [&] {
        return kernels::Convolution::create({3, 8, 8, 8, 7, 4, 2, 8}, kernels::Isa::sse4_1,
                                            refusal);
    };
    const Counts counts = count_during([&] { CHECK(convolution() != nullptr); });
    CHECK(counts.ours > 0);
    CHECK(counts.onednn > 0);
}

TEST_CASE("the counters see each way of asking for memory") {
    void* volatile kept = nullptr;  // an allocation nobody looks at may be optimised away
    CHECK(count_during([&] { kept = std::malloc(8); }).ours == 1);
    CHECK(count_during([&] { kept = std::realloc(kept, 4000); }).ours == 1);
    std::free(kept);
    CHECK(count_during([&] { kept = new int; }).ours == 1);
    delete static_cast<int*>(kept);
    CHECK(count_during([&] { kept = new (std::align_val_t(64)) char[64]; }).ours == 1);
    operator delete[](kept, std::align_val_t(64));
    CHECK(count_during([] { CHECK(AlignedBuffer::allocate(16)); }).ours >= 1);
}

TEST_CASE("running a session allocates nothing outside oneDNN") {
    const std::vector<float> images = hash_floats(kBatch * 3 * kImageSide * kImageSide, 81);
    for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        const LoadedModel loaded = tiny_model({.channels = {20, 36}, .head_order = head_order});
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            for (const std::size_t num_threads : {1, 2, 3}) {
                const auto session = make_session(compile_model(loaded, *table), kImageSide,
                                                  kImageSide, num_threads);
                std::vector<float> logits(kBatch * 5);
                bool done = false;
                const auto first = count_during(
                    [&] { done = bool(session->run(images.data(), kBatch, logits.data())); });
                CHECK(done);
                CHECK(first.ours == 0);  // not even the first time, when oneDNN asks for more
                const auto again = count_during(
                    [&] { done = bool(session->run(images.data(), kBatch, logits.data())); });
                CHECK(done);
                check_run(again);

                std::vector<std::vector<float>> maps;
                std::vector<float*> taps;
                for (std::size_t i = 0; i < session->model().taps.size(); ++i) {
                    const MapPlan& shape = session->tap_shape(i);
                    taps.push_back(maps.emplace_back(shape.channels * shape.pixels()).data());
                }
                const auto tapped = count_during([&] {
                    done = bool(session->run(
                        {.input = images.data(), .logits = logits.data(), .taps = taps}));
                });
                CHECK(done);
                check_run(tapped);
            }
        }
    }
}

TEST_CASE("a run through the C++ header allocates nothing outside oneDNN") {
    const Folder folder;
    const auto model = poolformer::Model::load(folder.folder.path()).value();
    auto session = poolformer::Session::create(model).value();
    const std::vector<float> image = hash_floats(3 * kSide * kSide, 82);
    std::vector<float> logits(kClasses);
    std::vector<float> features(model.info().num_features);
    poolformer::Run run;
    run.input = image;
    run.features = features;
    run.timeout = std::chrono::hours(1);
    bool done = false;
    check_run(count_during([&] { done = bool(session.run(image, logits)); }));
    CHECK(done);
    check_run(count_during([&] { done = bool(session.run(run)); }));
    CHECK(done);
}

TEST_CASE("a run allocates nothing outside oneDNN, whatever it reads and gives") {
    for (const pf_input_format format : {PF_INPUT_NCHW_F32, PF_INPUT_NHWC_F32, PF_INPUT_NHWC_U8}) {
        CAPTURE(static_cast<int>(format));
        Runner runner(2, 0, format);
        REQUIRE(runner.run_with_all(1));
        bool done = false;
        check_run(count_during([&] { done = runner.run_with_all(3); }));
        CHECK(done);
    }
}

// Runs of so many images that others can get in their way.
class LongRun {
  public:
    pf_status run(std::uint64_t timeout_us = 0) {
        pf_run run = request_of(kImages, images_, logits_);
        run.timeout_us = timeout_us;
        return pf_session_run_with(session_.get(), &run);
    }
    void cancel() { pf_session_cancel(session_.get()); }

  private:
    static constexpr std::size_t kImages = 5000;
    const SessionHandle session_ = open(load(Folder()).get());
    std::vector<float> images_ = std::vector<float>(kImages * 3 * kSide * kSide);
    std::vector<float> logits_ = std::vector<float>(kImages * kClasses);
};

TEST_CASE("runs that fail allocate nothing outside oneDNN either") {
    LongRun session;
    const auto check_failure = [&](pf_status expected, const char* words, const auto& run) {
        pf_status found = PF_OK;
        CHECK(count_during([&] { found = run(); }).ours == 0);
        check_refused(found, expected, words);
    };
    check_failure(PF_DEADLINE_EXCEEDED, "timeout", [&] { return session.run(2000); });

    std::atomic<bool> is_over{false};
    std::thread other([&] {
        while (!is_over) {  // the first ones may come before the run
            session.cancel();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    check_failure(PF_CANCELLED, "cancelled", [&] { return session.run(); });
    is_over = true;
    other.join();

    is_over = false;
    std::thread runner([&] {
        while (!is_over) session.run();
    });
    check_failure(PF_BUSY, "running already", [&] {
        pf_status status = PF_OK;
        while (status != PF_BUSY) status = session.run(1);  // the other may not have begun
        return status;
    });
    is_over = true;
    session.cancel();
    runner.join();
}

// One thread and floats as they are; and what takes most: a team, and bytes to convert.
TEST_CASE("slow: 10,000 runs of the shipped model" * doctest::skip()) {
    constexpr int kRuns = 10'000;
    for (const bool is_most : {false, true}) {
        CAPTURE(is_most);
        Runner runner(is_most ? 2 : 1, 0, is_most ? PF_INPUT_NHWC_U8 : PF_INPUT_NCHW_F32);
        const auto run = [&](int times) {
            return is_most ? runner.run_with_all(times) : runner.run(times);
        };
        REQUIRE(run(1));
        bool done = false;
        const Counts counts = count_during([&] { done = run(kRuns); });
        CHECK(done);
        check_run(counts);
        // oneDNN runs the stem, each thread its share of the channels.
        CHECK(counts.executions == (is_most ? 2 : 1) * kRuns);
    }
}

}  // namespace pf::test
