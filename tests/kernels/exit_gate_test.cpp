// The gate that exit closes: who is inside is waited for, who comes later is not let in.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/onednn/exit_gate.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace pf::test {

using kernels::ExitGate;

TEST_SUITE("exit gate") {
    TEST_CASE("exit gate: open until it is closed, for any number at a time") {
        ExitGate gate;
        CHECK(gate.enter());
        CHECK(gate.enter());
        gate.leave();
        gate.leave();
        gate.close();
        CHECK_FALSE(gate.enter());
        gate.close();  // did not count the one that was turned away
        CHECK_FALSE(gate.enter());
    }

    TEST_CASE("exit gate: closing waits for the one inside") {
        ExitGate gate;
        REQUIRE(gate.enter());
        std::atomic<bool> has_begun{false}, has_left{false};
        std::thread inside([&] {
            has_begun = true;
            while (gate.enter()) gate.leave();  // until it is closed
            has_left = true;
            gate.leave();
        });
        while (!has_begun) std::this_thread::yield();
        gate.close();
        CHECK(has_left);
        inside.join();
    }

    TEST_CASE("exit gate: closing waits a second for one that never leaves, not for ever") {
        ExitGate gate;
        REQUIRE(gate.enter());
        const auto start = std::chrono::steady_clock::now();
        gate.close();
        CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(1));
        CHECK_FALSE(gate.enter());
    }
}

}  // namespace pf::test
