// The end of a process whose other threads are inside the library.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/support/shipped_model.hpp"

namespace pf::test {
namespace {

// Makes one session, then more and more of them on other threads, and calls exit in between.
[[noreturn]] void exit_amid_sessions(unsigned microseconds) {
    pf_model* model = nullptr;
    pf_session* first = nullptr;
    if (pf_model_load(kShippedModel, nullptr, &model) != PF_OK) _exit(1);
    if (pf_session_create(model, nullptr, &first) != PF_OK) _exit(2);
    for (int i = 0; i < 2; ++i) {
        std::thread([model] {
            for (;;) {
                pf_session* session = nullptr;
                if (pf_session_create(model, nullptr, &session) != PF_OK) pause();
                pf_session_destroy(session);
            }
        }).detach();
    }
    usleep(microseconds);
    std::exit(0);
}

}  // namespace

// Without the gate that exit closes, about one try in a hundred crashed.
TEST_CASE("exit while other threads make sessions ends the process, and as it says") {
    std::fflush(nullptr);  // or each child prints what is still in the buffers
    int num_clean = 0;
    constexpr unsigned kTries = 150;
    for (unsigned i = 0; i < kTries; ++i) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) exit_amid_sessions(i * 37);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        num_clean += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK(num_clean == kTries);
}

}  // namespace pf::test
