// The C interface: what it tells, what it refuses, and how it says so.
// SPDX-License-Identifier: Apache-2.0
#include "poolformer/poolformer.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/run/cpu_budget.hpp"
#include "tests/support/api_handles.hpp"
#include "tests/support/api_session.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
TEST_CASE("C API: the library's version is the header's") {
    CHECK(pf_version() == std::to_string(PF_VERSION_MAJOR) + "." +
                              std::to_string(PF_VERSION_MINOR) + "." +
                              std::to_string(PF_VERSION_PATCH));
}

TEST_CASE("C API: the CPU budget is the engine's, and follows the affinity") {
    CHECK(pf_cpu_budget() == cpu_budget());
    std::size_t on_one_cpu = 0;
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
        on_one_cpu = pf_cpu_budget();
    }).join();
    CHECK(on_one_cpu == 1);
}

TEST_CASE("C API: null arguments are named, and destroying nothing is fine") {
    const Folder folder;
    const ModelHandle model = load(folder);
    const SessionHandle session = open(model.get());
    const std::vector<float> input(3 * kSide * kSide);
    std::vector<float> logits(kClasses);
    const std::uint8_t pixel[3] = {};
    pf_model* new_model = nullptr;
    pf_session* new_session = nullptr;
    auto model_info = sized<pf_model_info>();
    auto session_info = sized<pf_session_info>();
    auto tap_info = sized<pf_tap_info>();

    check_null(pf_model_load(nullptr, nullptr, &new_model), "path");
    check_null(pf_model_load(folder.folder.path().c_str(), nullptr, nullptr), "model");
    check_null(pf_model_get_info(nullptr, &model_info), "model");
    check_null(pf_model_get_info(model.get(), nullptr), "info");
    check_null(pf_preprocess(nullptr, pixel, 1, 1, 3, logits.data()), "model");
    check_null(pf_preprocess(model.get(), nullptr, 1, 1, 3, logits.data()), "rgb");
    check_null(pf_preprocess(model.get(), pixel, 1, 1, 3, nullptr), "output");
    check_null(pf_session_create(nullptr, nullptr, &new_session), "model");
    check_null(pf_session_create(model.get(), nullptr, nullptr), "session");
    check_null(pf_session_get_info(nullptr, &session_info), "session");
    check_null(pf_session_get_info(session.get(), nullptr), "info");
    check_null(pf_session_tap_info(nullptr, 0, &tap_info), "session");
    check_null(pf_session_tap_info(session.get(), 0, nullptr), "info");
    check_null(pf_session_run(nullptr, input.data(), 1, logits.data()), "session");
    check_null(pf_session_run(session.get(), nullptr, 1, logits.data()), "input");
    check_null(pf_session_run(session.get(), input.data(), 1, nullptr), "logits");
    float* taps[3] = {};
    check_null(pf_session_run_tapped(nullptr, input.data(), logits.data(), taps, 3), "session");
    check_null(pf_session_run_tapped(session.get(), nullptr, logits.data(), taps, 3), "input");
    check_null(pf_session_run_tapped(session.get(), input.data(), nullptr, taps, 3), "logits");
    check_null(pf_session_run_tapped(session.get(), input.data(), logits.data(), nullptr, 3),
               "taps");
    CHECK(pf_model_label(nullptr, 0) == nullptr);
    pf_model_destroy(nullptr);
    pf_session_destroy(nullptr);
}

TEST_CASE("C API: what cannot be loaded leaves no model and says why") {
    const Folder folder;
    int something = 0;
    auto* model = reinterpret_cast<pf_model*>(&something);
    check_refused(pf_model_load("/no/such/folder", nullptr, &model), PF_FILE_ERROR,
                  "/no/such/folder");
    CHECK(model == nullptr);

    const TemporaryFolder broken;
    broken.write("model.json", "{}");
    check_refused(pf_model_load(broken.path().c_str(), nullptr, &model), PF_INVALID_MODEL,
                  "model.json");

    const pf_model_options options = model_options("mmx");
    check_refused(pf_model_load(folder.folder.path().c_str(), &options, &model),
                  PF_INVALID_ARGUMENT, "\"mmx\"");
    CHECK(model == nullptr);
}

TEST_CASE("C API: the instruction set that was asked for is the one in use") {
    const Folder folder;
    for (const std::string& isa : runnable_isas()) {
        const pf_model_options options = model_options(isa.c_str());
        pf_model* raw = nullptr;
        REQUIRE(pf_model_load(folder.folder.path().c_str(), &options, &raw) == PF_OK);
        const ModelHandle model(raw);
        auto info = sized<pf_model_info>();
        REQUIRE(pf_model_get_info(model.get(), &info) == PF_OK);
        CHECK(info.isa == isa);
    }
}

TEST_CASE("C API: a model tells what it is") {
    const ModelHandle model = load(Folder(true));
    auto info = sized<pf_model_info>();
    REQUIRE(pf_model_get_info(model.get(), &info) == PF_OK);
    CHECK(info.struct_size == sizeof(pf_model_info));
    CHECK(info.name == std::string("tiny"));
    CHECK(info.num_classes == kClasses);
    CHECK(info.num_labels == kClasses);
    CHECK(info.input_height == kSide);
    CHECK(info.input_width == kSide);
    CHECK(info.num_parameters > 0);
    CHECK(info.weight_bytes >= 4 * info.num_parameters);
    CHECK(pf_model_label(model.get(), 4) == std::string("e"));
    CHECK(pf_model_label(model.get(), 5) == nullptr);
    CHECK(pf_model_label(load(Folder()).get(), 0) == nullptr);
}

TEST_CASE("C API: a session tells its size, work and taps") {
    const ModelHandle model = load(Folder());
    const pf_session_options options = session_options(16, 32, 2);
    const SessionHandle session = open(model.get(), &options);
    auto info = sized<pf_session_info>();
    REQUIRE(pf_session_get_info(session.get(), &info) == PF_OK);
    CHECK(info.input_height == 16);
    CHECK(info.input_width == 32);
    CHECK(info.num_threads == 2);
    CHECK(info.num_taps == 3);
    CHECK(info.arena_bytes > 0);
    // 4x8 pixels of 8 channels, then 2x4 of 16, MLP ratio 4.
    const std::uint64_t stem = 32 * 8 * 3 * 49, embed = 8 * 16 * 8 * 9;
    const std::uint64_t mlps = 32 * 2 * 8 * 32 + 2 * (8 * 2 * 16 * 64);
    CHECK(info.macs == stem + embed + mlps + 16 * kClasses);

    const std::vector<std::string> names = {"s0.b0", "s1.b0", "s1.b1"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto tap = sized<pf_tap_info>();
        REQUIRE(pf_session_tap_info(session.get(), i, &tap) == PF_OK);
        CHECK(tap.name == names[i]);
        CHECK(tap.channels == (i == 0 ? 8 : 16));
        CHECK(tap.height == (i == 0 ? 4 : 2));
        CHECK(tap.width == (i == 0 ? 8 : 4));
    }
    auto tap = sized<pf_tap_info>();
    check_refused(pf_session_tap_info(session.get(), 3, &tap), PF_INVALID_ARGUMENT,
                  "tap: found 3, expected less than 3");
    tap.struct_size = 0;
    check_refused(pf_session_tap_info(session.get(), 0, &tap), PF_INVALID_ARGUMENT, "struct_size");
}

TEST_CASE("C API: impossible sessions and runs are refused") {
    const ModelHandle model = load(Folder());
    pf_session* session = nullptr;
    const pf_session_options small = session_options(2, 2, 1);
    check_refused(pf_session_create(model.get(), &small, &session), PF_INVALID_ARGUMENT,
                  "too small");
    CHECK(session == nullptr);
    const pf_session_options crowd = session_options(0, 0, 100000);
    check_refused(pf_session_create(model.get(), &crowd, &session), PF_INVALID_ARGUMENT,
                  "num_threads: found 100000");

    const SessionHandle good = open(model.get());
    const std::vector<float> input(3 * kSide * kSide);
    std::vector<float> logits(kClasses);
    check_refused(pf_session_run(good.get(), input.data(), 0, logits.data()), PF_INVALID_ARGUMENT,
                  "batch: found 0");
    float* taps[3] = {};
    check_refused(pf_session_run_tapped(good.get(), input.data(), logits.data(), taps, 2),
                  PF_INVALID_ARGUMENT, "num_taps: found 2, expected 3");
}

TEST_CASE("C API: preprocess refuses impossible photos") {
    const ModelHandle model = load(Folder());
    const std::vector<std::uint8_t> rgb(3 * 40 * 30, 128);
    std::vector<float> output(3 * kSide * kSide);
    CHECK(pf_preprocess(model.get(), rgb.data(), 40, 30, 90, output.data()) == PF_OK);
    CHECK(pf_preprocess(model.get(), rgb.data(), 0, 30, 90, output.data()) == PF_INVALID_ARGUMENT);
    CHECK(pf_preprocess(model.get(), rgb.data(), 40, 0, 90, output.data()) == PF_INVALID_ARGUMENT);
    CHECK(pf_preprocess(model.get(), rgb.data(), 40, 30, 89, output.data()) == PF_INVALID_ARGUMENT);
    CHECK(std::string(pf_last_error()).find("89") != std::string::npos);
    CHECK(pf_preprocess(model.get(), rgb.data(), 70000, 1, 3, output.data()) ==
          PF_INVALID_ARGUMENT);
    check_refused(pf_preprocess(model.get(), rgb.data(), 40, 30, SIZE_MAX - 89, output.data()),
                  PF_INVALID_ARGUMENT, "row_stride " + std::to_string(SIZE_MAX - 89));
    const auto* last_byte = reinterpret_cast<const std::uint8_t*>(&output.back()) + 3;
    check_refused(pf_preprocess(model.get(), last_byte, 1, 1, 3, output.data()),
                  PF_INVALID_ARGUMENT, "output overlaps rgb");
}

TEST_CASE("C API: model and session may be destroyed in any order") {
    const Folder folder;
    const std::vector<float> input(3 * kSide * kSide, 0.5f);
    std::vector<float> expected(kClasses), found(kClasses);
    ModelHandle model = load(folder);
    const SessionHandle session = open(model.get());
    REQUIRE(pf_session_run(session.get(), input.data(), 1, expected.data()) == PF_OK);
    model.reset();
    REQUIRE(pf_session_run(session.get(), input.data(), 1, found.data()) == PF_OK);
    CHECK(found == expected);
    auto tap = sized<pf_tap_info>();
    CHECK(pf_session_tap_info(session.get(), 0, &tap) == PF_OK);
    CHECK(tap.name == std::string("s0.b0"));
}

TEST_SUITE("threads") {
    TEST_CASE("C API: every thread has its own last error") {
        pf_model_get_info(nullptr, nullptr);
        CHECK(std::string(pf_last_error()) == "model is NULL");
        std::string fresh = "?", own;
        std::thread other([&] {
            fresh = pf_last_error();
            pf_session_get_info(nullptr, nullptr);
            own = pf_last_error();
        });
        other.join();
        CHECK(fresh.empty());
        CHECK(own == "session is NULL");
        CHECK(std::string(pf_last_error()) == "model is NULL");
    }
}

TEST_CASE("C interface: a team is shared, outlives its handle, and NULL is refused") {
    const Folder folder;
    const ModelHandle model = load(folder);
    CHECK(pf_team_create(nullptr, nullptr) == PF_INVALID_ARGUMENT);
    pf_team_destroy(nullptr);
    auto too_many = sized<pf_team_options>();
    too_many.num_threads = 1u << 20;
    pf_team* team = nullptr;
    CHECK(pf_team_create(&too_many, &team) == PF_INVALID_ARGUMENT);
    CHECK(team == nullptr);

    auto team_options = sized<pf_team_options>();
    team_options.num_threads = 2;
    REQUIRE(pf_team_create(&team_options, &team) == PF_OK);
    auto options = sized<pf_session_options>();
    options.team = team;
    options.num_threads = 7;  // the team decides
    options.batch = 4;
    std::vector<SessionHandle> sessions;
    for (int i = 0; i < 2; ++i) {
        pf_session* session = nullptr;
        REQUIRE(pf_session_create(model.get(), &options, &session) == PF_OK);
        sessions.emplace_back(session);
        auto info = sized<pf_session_info>();
        REQUIRE(pf_session_get_info(session, &info) == PF_OK);
        CHECK(info.num_threads == 2);
    }
    pf_team_destroy(team);
    const std::vector<float> input(4 * 3 * kSide * kSide, 0.25f);
    std::vector<float> first(4 * kClasses), second(4 * kClasses);
    CHECK(pf_session_run(sessions[0].get(), input.data(), 4, first.data()) == PF_OK);
    CHECK(pf_session_run(sessions[1].get(), input.data(), 4, second.data()) == PF_OK);
    CHECK(first == second);
    CHECK(std::equal(first.begin(), first.begin() + kClasses, first.begin() + kClasses));
}

namespace {

// Lives longer than what the library keeps for its thread: it is made before.
struct LateCaller {
    std::string* words = nullptr;
    ~LateCaller() {
        if (words == nullptr) return;
        *words = pf_last_error();
        pf_model* none = nullptr;
        *words += pf_model_load("/no/such/folder", nullptr, &none) == PF_FILE_ERROR ? "|" : "?";
        *words += pf_last_error();
    }
};

}  // namespace

TEST_CASE("pf_last_error: is never freed memory, not even while a thread ends") {
    std::string words;
    std::thread([&words] {
        thread_local LateCaller late;
        late.words = &words;
        pf_model* none = nullptr;
        CHECK(pf_model_load("/no/such/folder", nullptr, &none) == PF_FILE_ERROR);
    }).join();
    CHECK(
        words ==
        "the thread has ended, and its last error is gone|the thread has ended: no words are kept");
}

}  // namespace pf::test
