// plan_memory: small cases by hand, and the rules on many made-up networks.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/plan_memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/support/hash.hpp"

namespace pf::test {
namespace {

bool share_a_step(const Lifetime& a, const Lifetime& b) {
    return std::max(a.first, b.first) <= std::min(a.last, b.last);
}

bool share_memory(const Lifetime& a, std::size_t a_offset, const Lifetime& b,
                  std::size_t b_offset) {
    return std::max(a_offset, b_offset) < std::min(a_offset + a.floats, b_offset + b.floats);
}

// The most floats alive in one step: no plan can do with less.
std::size_t most_alive(const std::vector<Lifetime>& lifetimes) {
    std::size_t most = 0;
    for (const Lifetime& at : lifetimes) {
        std::size_t alive = 0;
        for (const Lifetime& other : lifetimes) {
            if (other.first <= at.first && at.first <= other.last) alive += other.floats;
        }
        most = std::max(most, alive);
    }
    return most;
}

void check_rules(const std::vector<Lifetime>& lifetimes) {
    const MemoryPlan plan = plan_memory(lifetimes);
    REQUIRE(plan.offsets.size() == lifetimes.size());
    std::size_t end = 0;
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
        CHECK(plan.offsets[i] % 16 == 0);
        end = std::max(end, plan.offsets[i] + lifetimes[i].floats);
        for (std::size_t j = 0; j < i; ++j) {
            if (!share_a_step(lifetimes[i], lifetimes[j])) continue;
            CHECK_FALSE(share_memory(lifetimes[i], plan.offsets[i], lifetimes[j], plan.offsets[j]));
        }
    }
    CHECK(plan.total_floats >= end);
    CHECK(plan.total_floats < end + 16);
    CHECK(plan.total_floats >= most_alive(lifetimes));
}

}  // namespace

TEST_CASE("plan_memory: nothing") {
    const MemoryPlan plan = plan_memory({});
    CHECK(plan.offsets.empty());
    CHECK(plan.total_floats == 0);
}

TEST_CASE("plan_memory: a chain of layers needs the two largest neighbours") {
    const std::vector<Lifetime> lifetimes = {{160, 0, 1}, {320, 1, 2}, {160, 2, 3}, {80, 3, 4}};
    const MemoryPlan plan = plan_memory(lifetimes);
    CHECK(plan.offsets == std::vector<std::size_t>{320, 0, 320, 0});
    CHECK(plan.total_floats == 480);
}

TEST_CASE("plan_memory: sizes are rounded up to 64 bytes") {
    const std::vector<Lifetime> lifetimes = {{17, 0, 1}, {1, 0, 1}, {16, 1, 1}};
    const MemoryPlan plan = plan_memory(lifetimes);
    CHECK(plan.offsets == std::vector<std::size_t>{0, 48, 32});
    CHECK(plan.total_floats == 64);
}

TEST_CASE("plan_memory: a gap is used only if it is large enough") {
    // 64 | 32 | 48 lie side by side in step 0; the one of 32 ends, and 32 fit where 48 would not.
    const std::vector<Lifetime> lifetimes = {{64, 0, 2}, {32, 0, 0}, {48, 0, 2}, {32, 1, 2}};
    const MemoryPlan plan = plan_memory(lifetimes);
    CHECK(plan.total_floats == 144);
    CHECK(plan.offsets[3] == plan.offsets[1]);
}

TEST_CASE("plan_memory: the rules hold for made-up lifetimes") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        const std::size_t count = 1 + hash_bits(seed, 0, 0) % 24;
        std::vector<Lifetime> lifetimes(count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t first = hash_bits(seed, 1, i) % 20;
            lifetimes[i] = {hash_bits(seed, 2, i) % 200, first, first + hash_bits(seed, 3, i) % 6};
        }
        check_rules(lifetimes);
    }
}

}  // namespace pf::test
