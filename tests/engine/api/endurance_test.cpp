// The shipped model in many threads; for long with tools/test.sh --full.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <thread>
#include <vector>

#include "tests/support/api_handles.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/shipped_model.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kThreads = 16;

// What one of many threads does: runs of its own session, on an input of its own.
int count_wrong(const pf_model* model, const pf_team* team, std::size_t index, int num_runs,
                const std::vector<float>& input, const std::vector<float>& expected) {
    auto options = sized<pf_session_options>();
    options.team = index % 2 == 0 ? team : nullptr;  // who finds it busy runs alone
    pf_session* session = nullptr;
    if (pf_session_create(model, &options, &session) != PF_OK) return num_runs;
    int wrong = 0;
    std::vector<float> logits(expected.size());
    for (int i = 0; i < num_runs; ++i) {
        wrong += pf_session_run(session, input.data(), 1, logits.data()) != PF_OK ||
                 !same_bits(logits, expected);
    }
    pf_session_destroy(session);
    return wrong;
}

void check_threads(int num_runs) {
    const ModelHandle model = load(kShippedModel);
    auto team_options = sized<pf_team_options>();
    team_options.num_threads = 2;
    pf_team* team = nullptr;
    REQUIRE(pf_team_create(&team_options, &team) == PF_OK);
    std::vector<std::vector<float>> inputs, expected;
    const SessionHandle single = open(model.get());
    for (std::size_t i = 0; i < kThreads; ++i) {
        inputs.push_back(hash_floats(3 * 32 * 32, 100 + i));
        expected.emplace_back(10);
        REQUIRE(pf_session_run(single.get(), inputs[i].data(), 1, expected[i].data()) == PF_OK);
    }
    std::vector<int> wrong(kThreads, 0);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            wrong[i] = count_wrong(model.get(), team, i, num_runs, inputs[i], expected[i]);
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(kThreads, 0));
    pf_team_destroy(team);
}

}  // namespace

// Half a minute with ThreadSanitizer, which looks for races here, too.
TEST_CASE("16 threads of 40 runs give the bits of one") {
    check_threads(40);
}

TEST_CASE("slow: 16 threads of 1000 runs give the bits of one" * doctest::skip()) {
    check_threads(1000);
}

}  // namespace pf::test
