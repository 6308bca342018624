// fork(): in the child a team is busy, sessions run alone to the same bits, all may be destroyed.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "engine/run/fork_mark.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// Whether `body` returns true in a child, within ten seconds.
bool holds_in_child(const std::function<bool()>& body) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(10);  // a child that hangs is killed
        _exit(body() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_SUITE("fork") {
    TEST_CASE("ForkMark: tells the child from the parent") {
        const ForkMark mark;
        CHECK_FALSE(mark.is_forked_child());
        CHECK(holds_in_child([&] { return mark.is_forked_child(); }));
        CHECK(holds_in_child([] { return !ForkMark().is_forked_child(); }));
        CHECK_FALSE(mark.is_forked_child());
    }

    TEST_CASE("session: a forked child runs alone, to the same bits, and cleans up") {
        const auto model = compile_model(tiny_model({.channels = {20, 36}}), chosen_kernels());
        const std::vector<float> image = hash_floats(3 * 40 * 40, 71);
        for (const std::size_t num_threads : {1, 3}) {
            auto session = make_session(model, 40, 40, num_threads);
            const std::vector<float> expected = run(*session, image);
            CHECK(holds_in_child([&] {
                const bool is_same = same_bits(run(*session, image), expected) &&
                                     same_bits(run(*session, image), expected);
                session.reset();
                return is_same;
            }));
            CHECK(same_bits(run(*session, image), expected));
        }
    }

    TEST_CASE("session: a forked child makes sessions with threads of its own") {
        const auto model = compile_model(tiny_model({.channels = {20, 36}}), chosen_kernels());
        const std::vector<float> image = hash_floats(3 * 40 * 40, 71);
        const std::vector<float> expected = run(*make_session(model, 40, 40, 2), image);
        CHECK(holds_in_child(
            [&] { return same_bits(run(*make_session(model, 40, 40, 2), image), expected); }));
    }
}

}  // namespace pf::test
