// The C interface: structs of other headers, and handles that nobody initialised.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/api_handles.hpp"

namespace pf::test {
namespace {

// A handle as a program has it that does not initialise its variables.
template <class Handle>
Handle* poisoned() {
    return reinterpret_cast<Handle*>(std::uintptr_t{0x5a5a5a5a});
}

}  // namespace

TEST_CASE("C API: structs of older and newer headers") {
    const ModelHandle model = load(Folder());
    struct Newer {
        pf_model_info info;
        char tail[16];
    } newer;
    std::memset(&newer, 0x5a, sizeof newer);
    newer.info.struct_size = sizeof newer;
    REQUIRE(pf_model_get_info(model.get(), &newer.info) == PF_OK);
    CHECK(newer.info.struct_size == sizeof newer);
    CHECK(newer.info.num_classes == kClasses);
    for (const char byte : newer.tail) CHECK(byte == 0x5a);

    pf_model_info older;
    std::memset(&older, 0x5a, sizeof older);
    const std::size_t untouched = older.num_labels;
    older.struct_size = offsetof(pf_model_info, num_labels);
    REQUIRE(pf_model_get_info(model.get(), &older) == PF_OK);
    CHECK(older.struct_size == offsetof(pf_model_info, num_labels));
    CHECK(older.num_classes == kClasses);
    CHECK(older.num_labels == untouched);
    CHECK(older.input_height == untouched);

    pf_model_info none{};
    check_refused(pf_model_get_info(model.get(), &none), PF_INVALID_ARGUMENT, "struct_size");

    // Options beyond an older header's size keep their defaults, also if there is garbage behind.
    pf_session_options options = session_options(33, 0, 7);
    options.struct_size = offsetof(pf_session_options, num_threads);
    options.spin_us = 7;
    options.batch = 7;
    const SessionHandle session = open(model.get(), &options);
    auto info = sized<pf_session_info>();
    REQUIRE(pf_session_get_info(session.get(), &info) == PF_OK);
    CHECK(info.input_height == 33);
    CHECK(info.input_width == kSide);
    CHECK(info.num_threads == 1);
}

TEST_CASE("C API: options without a size, or that only a newer library knows, are refused") {
    const Folder folder;
    const std::string path = folder.folder.path();
    const ModelHandle good = load(folder);
    const SessionHandle runner = open(good.get());
    const std::vector<float> input(3 * kSide * kSide);
    pf_model* model = nullptr;
    pf_team* team = nullptr;
    pf_session* session = nullptr;
    const auto check_sizes = [](auto options, const auto& call) {
        struct {
            decltype(options) known{};
            unsigned char tail[16] = {};
        } newer;
        const auto call_with = [&](std::size_t struct_size) {
            newer.known.struct_size = struct_size;
            return call(&newer.known);
        };
        newer.known = options;
        check_refused(call_with(0), PF_INVALID_ARGUMENT,
                      "struct_size: found 0, expected " + std::to_string(sizeof options));
        check_refused(call_with(7), PF_INVALID_ARGUMENT, "struct_size: found 7");
        check_refused(call_with(SIZE_MAX), PF_INVALID_ARGUMENT, "struct_size: found");
        newer.tail[15] = 1;
        check_refused(call_with(sizeof newer), PF_UNSUPPORTED, "options behind");
        newer.tail[15] = 0;
        CHECK(call_with(sizeof newer) == PF_OK);
    };
    check_sizes(sized<pf_model_options>(), [&](const pf_model_options* options) {
        return pf_model_load(path.c_str(), options, &model);
    });
    pf_model_destroy(model);
    check_sizes(sized<pf_team_options>(),
                [&](const pf_team_options* options) { return pf_team_create(options, &team); });
    pf_team_destroy(team);
    check_sizes(sized<pf_session_options>(), [&](const pf_session_options* options) {
        return pf_session_create(good.get(), options, &session);
    });
    pf_session_destroy(session);
    auto run = sized<pf_run>();
    run.input = input.data();
    run.input_bytes = input.size() * sizeof(float);
    check_sizes(run,
                [&](const pf_run* wanted) { return pf_session_run_with(runner.get(), wanted); });
}

TEST_CASE("C API: whatever fails to make a handle sets it to NULL") {
    const Folder folder;
    const std::string path = folder.folder.path();
    const ModelHandle good = load(folder);
    const auto no_model = [](const auto& call) {
        pf_model* model = poisoned<pf_model>();
        CHECK(call(&model) != PF_OK);
        CHECK(model == nullptr);
    };
    const auto no_session = [](const auto& call) {
        pf_session* session = poisoned<pf_session>();
        CHECK(call(&session) != PF_OK);
        CHECK(session == nullptr);
    };
    no_model([](pf_model** model) { return pf_model_load(nullptr, nullptr, model); });
    no_model([](pf_model** model) { return pf_model_load("/no/such/folder", nullptr, model); });
    no_model([](pf_model** m) { return pf_model_load_memory(nullptr, 0, "", 0, nullptr, m); });
    no_model([](pf_model** m) { return pf_model_load_memory("", 0, nullptr, 0, nullptr, m); });
    no_model([](pf_model** m) { return pf_model_load_memory("", 0, "", 0, nullptr, m); });
    no_model([](pf_model** m) { return pf_model_load_compiled_memory(nullptr, 0, nullptr, m); });
    no_model([](pf_model** m) { return pf_model_load_compiled_memory("", 0, nullptr, m); });
    no_session([](pf_session** session) { return pf_session_create(nullptr, nullptr, session); });

    const pf_model_options no_size{};
    no_model([&](pf_model** m) { return pf_model_load(path.c_str(), &no_size, m); });
    no_model([&](pf_model** m) { return pf_model_load_memory("", 0, "", 0, &no_size, m); });
    no_model([&](pf_model** m) { return pf_model_load_compiled_memory("", 0, &no_size, m); });
    const pf_session_options empty{};
    no_session(
        [&](pf_session** session) { return pf_session_create(good.get(), &empty, session); });
    const pf_session_options small = session_options(1, 1, 1);
    no_session(
        [&](pf_session** session) { return pf_session_create(good.get(), &small, session); });
    const pf_team_options none{};
    pf_team* team = poisoned<pf_team>();
    CHECK(pf_team_create(&none, &team) != PF_OK);
    CHECK(team == nullptr);
}

}  // namespace pf::test
