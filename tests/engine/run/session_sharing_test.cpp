// Sessions and threads: sharing a model, outliving its handle, two callers at once.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

std::shared_ptr<const Model> best_model() {
    return compile_model(tiny_model({.channels = {20, 36}}), *kernels::runnable_tables().front());
}

std::vector<float> image_of(std::size_t side) {
    return hash_floats(3 * side * side, 71);
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
        const auto model = best_model();
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

    TEST_CASE("session: of two callers at once one runs and the other is told") {
        constexpr int kAttempts = 200;
        for (const std::size_t num_threads : {1, 2}) {
            const auto session = make_session(best_model(), 40, 40, num_threads);
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
}

TEST_CASE("session: outlives its caller's handle of the model") {
    auto model = best_model();
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
