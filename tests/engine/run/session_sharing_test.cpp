// Sessions and threads: sharing a model, outliving its handle, two callers at once.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

std::shared_ptr<const Model> make_model() {
    return compile_model(tiny_model({.channels = {20, 36}}), chosen_kernels());
}

std::vector<float> image_of(std::size_t side) {
    return hash_floats(3 * side * side, 71);
}

// The CPU at hand becomes the only one of this thread and of those it starts.
bool stay_on_this_cpu() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

// What one caller met in `attempts` runs of a session that another caller uses too.
struct Caller {
    int done = 0;
    int busy = 0;
    int other = 0;  // another error, or other logits

    void attempt(Session& session, const std::vector<float>& image,
                 const std::vector<float>& expected, int attempts) {
        std::vector<float> logits(expected.size());
        for (int i = 0; i < attempts; ++i) {
            const Status status = session.run(image.data(), 1, logits.data());
            if (status) {
                same_bits(logits, expected) ? ++done : ++other;
            } else {
                status.error().code == ErrorCode::busy ? ++busy : ++other;
            }
        }
    }
};

}  // namespace

TEST_SUITE("threads") {
    TEST_CASE("session: sessions of several sizes share one model, each in its own thread") {
        const auto model = make_model();
        const std::vector<std::size_t> sides = {9, 24, 40};
        std::vector<std::vector<float>> expected;
        for (const std::size_t side : sides) {
            expected.push_back(run(*make_session(model, side, side), image_of(side)));
        }
        std::vector<int> wrong(sides.size(), 0);
        std::vector<std::thread> callers;
        for (std::size_t i = 0; i < sides.size(); ++i) {
            callers.emplace_back([&, i] {
                const auto session = make_session(model, sides[i], sides[i], 1 + i % 2);
                for (int round = 0; round < 20; ++round) {
                    wrong[i] += !same_bits(run(*session, image_of(sides[i])), expected[i]);
                }
            });
        }
        for (std::thread& caller : callers) caller.join();
        CHECK(wrong == std::vector<int>(sides.size(), 0));
    }

    TEST_CASE("session: of two callers who race for it each is done or told") {
        constexpr int kAttempts = 200;
        for (const std::size_t num_threads : {1, 2}) {
            const auto session = make_session(make_model(), 40, 40, num_threads);
            const std::vector<float> image = image_of(40);
            const std::vector<float> expected = run(*session, image);
            Caller first, second;
            std::thread thread([&] { second.attempt(*session, image, expected, kAttempts); });
            first.attempt(*session, image, expected, kAttempts);
            thread.join();
            CHECK(first.other + second.other == 0);
            CHECK(first.done + first.busy == kAttempts);
            CHECK(second.done + second.busy == kAttempts);
            CHECK(first.done + second.done > 0);
            CHECK(same_bits(run(*session, image), expected));
        }
    }

    TEST_CASE("session: callers that share a team run at the same time, to the same bits") {
        const auto model = make_model();
        auto created = ThreadTeam::create(2, std::chrono::microseconds(20));
        REQUIRE(created);
        const std::shared_ptr<ThreadTeam> team = std::move(*created);
        const std::vector<float> image = image_of(40);
        const std::vector<float> expected = run(*make_session(model, 40, 40), image);
        std::vector<int> wrong(4, 0);
        std::vector<std::thread> callers;
        for (std::size_t i = 0; i < wrong.size(); ++i) {
            callers.emplace_back([&, i] {
                const auto session =
                    make_session(model, {.input_height = 40, .input_width = 40, .team = team});
                for (int round = 0; round < 50; ++round) {
                    wrong[i] += !same_bits(run(*session, image), expected);
                }
            });
        }
        for (std::thread& caller : callers) caller.join();
        CHECK(wrong == std::vector<int>(4, 0));
    }

    TEST_CASE("session: a busy team changes no bit, not even with taps or a batch") {
        const auto model = make_model();
        auto created = ThreadTeam::create(2, std::chrono::microseconds(20));
        REQUIRE(created);
        const std::shared_ptr<ThreadTeam> team = std::move(*created);
        const auto session =
            make_session(model, {.input_height = 40, .input_width = 40, .team = team, .batch = 3});
        const std::vector<float> images = hash_floats(3 * 3 * 40 * 40, 72);
        const std::vector<float> image(images.begin(), images.begin() + 3 * 40 * 40);
        const std::vector<float> expected = run(*session, images, 3);
        const Tapped tapped = run_tapped(*session, image);
        int wrong = 0;
        CHECK(team->try_run([&](std::size_t thread) {
            if (thread != 0) return;  // while the team has this job, the session finds it busy
            wrong += !same_bits(run(*session, images, 3), expected);
            const Tapped alone = run_tapped(*session, image);
            wrong += !same_bits(alone.logits, tapped.logits);
            for (std::size_t i = 0; i < tapped.taps.size(); ++i) {
                wrong += alone.taps[i].data != tapped.taps[i].data;
            }
        }));
        CHECK(wrong == 0);
    }
}

TEST_SUITE("threads") {
    // How long it takes: docs/embedding.md.
    TEST_CASE("session: eight threads on one CPU come to the same bits, spinning or not") {
        const auto model = make_model();
        const std::vector<float> image = image_of(40);
        const std::vector<float> expected = run(*make_session(model, 40, 40), image);
        for (const int spin_us : {0, 100'000}) {
            CAPTURE(spin_us);
            bool is_pinned = false;
            int right = 0;
            std::thread([&] {
                is_pinned = stay_on_this_cpu();
                const auto session =
                    make_session(model, {.input_height = 40,
                                         .input_width = 40,
                                         .num_threads = 8,
                                         .spin = std::chrono::microseconds(spin_us)});
                for (int i = 0; i < 10; ++i) right += same_bits(run(*session, image), expected);
            }).join();
            REQUIRE(is_pinned);
            CHECK(right == 10);
        }
    }

    TEST_CASE("sessions and models are made and destroyed by many threads at once") {
        auto created = ThreadTeam::create(2, std::chrono::microseconds(20));
        REQUIRE(created);
        const std::shared_ptr<ThreadTeam> team = std::move(*created);
        const std::vector<float> image = image_of(24);
        const std::vector<float> expected = run(*make_session(make_model(), 24, 24), image);
        std::vector<int> wrong(4, 0);
        std::vector<std::thread> callers;
        for (std::size_t i = 0; i < wrong.size(); ++i) {
            callers.emplace_back([&, i] {
                for (int round = 0; round < 10; ++round) {
                    const auto session = make_session(
                        make_model(),
                        {.input_height = 24, .input_width = 24, .team = i % 2 ? team : nullptr});
                    wrong[i] += !same_bits(run(*session, image), expected);
                }
            });
        }
        for (std::thread& caller : callers) caller.join();
        CHECK(wrong == std::vector<int>(4, 0));
    }
}

TEST_CASE("session: outlives its caller's handle of the model") {
    auto model = make_model();
    const std::weak_ptr<const Model> watch = model;
    auto session = make_session(model, 24, 24);
    const std::vector<float> expected = run(*session, image_of(24));
    model.reset();
    CHECK_FALSE(watch.expired());
    CHECK(same_bits(run(*session, image_of(24)), expected));
    session.reset();
    CHECK(watch.expired());
}

}  // namespace pf::test
