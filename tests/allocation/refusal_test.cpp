// No memory, at each allocation of ours in turn; and what oneDNN says when it fails.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "engine/base/aligned_buffer.hpp"
#include "tests/allocation/hooks.hpp"
#include "tests/support/api_handles.hpp"
#include "tests/support/blocked_map.hpp"

namespace pf::test {
namespace {

constexpr int kMaxAllocations = 100'000;  // more than any of the actions below makes

// What is managed without: the page of a team's ForkMark, which then asks for the process's number;
// and the buffer of the std::stable_sort of plan_memory, which then sorts in place.
constexpr int kOfTeam = 1, kOfPlan = 1;

// Calls `attempt` with its first allocation refused, then its second, and so on until it needs no
// more of them; `undo` takes back what it made. Each time it must fail for want of memory, but for
// `num_dispensable` times, when it manages without; and nothing may be left behind.
template <class Attempt, class Undo>
void refuse_each(const Attempt& attempt, const Undo& undo, int num_dispensable = 0) {
    for (int warm_up = 0; warm_up < 2; ++warm_up) {  // fills the caches of others
        REQUIRE(attempt() == PF_OK);
        undo();
    }
    int number = 0;
    int num_errors = 0;
    for (; number < kMaxAllocations; ++number) {
        const Held before = held();
        start_refusing(Asker::program, number);
        const pf_status status = attempt();
        const bool was_refused = stop_refusing();
        undo();
        const Held after = held();
        CAPTURE(number);
        CAPTURE(std::string(pf_last_error()));
        if (status != PF_OK) {
            ++num_errors;
            REQUIRE(status == PF_OUT_OF_MEMORY);
        }
        REQUIRE(after.blocks <= before.blocks);
        REQUIRE(after.mapped_bytes == before.mapped_bytes);
        REQUIRE(after.files == before.files);
        if (!was_refused) break;
    }
    CHECK(number < kMaxAllocations);
    CHECK(num_errors > 0);
    CHECK(num_errors == number - num_dispensable);
}

// pf_last_error keeps its memory, so that no attempt below has to ask for more.
void reserve_last_error() {
    pf_model* model = nullptr;
    pf_model_load(std::string(4000, 'x').c_str(), nullptr, &model);
}

}  // namespace

TEST_CASE("no memory: loading a folder") {
    reserve_last_error();
    const Folder folder(true);
    const std::string path = folder.folder.path();
    pf_model* model = nullptr;
    refuse_each([&] { return pf_model_load(path.c_str(), nullptr, &model); },
                [&] { pf_model_destroy(model), model = nullptr; });
}

TEST_CASE("no memory: loading the bytes of a folder") {
    reserve_last_error();
    const Folder folder(true);
    const std::string json = content_of(folder.folder.path("model.json"));
    const std::string weights = content_of(folder.folder.path("model.safetensors"));
    pf_model* model = nullptr;
    const auto load = [&] {
        return pf_model_load_memory(json.data(), json.size(), weights.data(), weights.size(),
                                    nullptr, &model);
    };
    refuse_each(load, [&] { pf_model_destroy(model), model = nullptr; });
}

TEST_CASE("no memory: loading a compiled file and its bytes, mapped and copied") {
    reserve_last_error();
    const Folder folder(true);
    const std::string file = folder.folder.path("model.pf");
    REQUIRE(pf_model_save_compiled(load(folder).get(), file.c_str()) == PF_OK);
    const std::string content = content_of(file);
    auto aligned = AlignedBuffer::allocate(content.size() / sizeof(float) + 1);
    REQUIRE(aligned);
    std::memcpy(aligned->data(), content.data(), content.size());
    auto options = sized<pf_model_options>();
    for (const int copy : {0, 1}) {
        options.copy_weights = copy;
        pf_model* model = nullptr;
        const auto undo = [&] { pf_model_destroy(model), model = nullptr; };
        refuse_each([&] { return pf_model_load(file.c_str(), &options, &model); }, undo);
        const auto load_bytes = [&] {
            return pf_model_load_compiled_memory(aligned->data(), content.size(), &options, &model);
        };
        refuse_each(load_bytes, undo);
    }
}

TEST_CASE("no memory: making a team") {
    reserve_last_error();
    auto options = sized<pf_team_options>();
    options.num_threads = 3;
    const int cpus[] = {0, 0, 0};
    options.cpus = cpus;
    options.num_cpus = 3;
    pf_team* team = nullptr;
    refuse_each([&] { return pf_team_create(&options, &team); },
                [&] { pf_team_destroy(team), team = nullptr; }, kOfTeam);
}

TEST_CASE("no memory: making a session, alone, with threads, for bytes, for a batch, on a team") {
    reserve_last_error();
    const ModelHandle model = load(Folder());
    auto team_options = sized<pf_team_options>();
    team_options.num_threads = 2;
    pf_team* team = nullptr;
    REQUIRE(pf_team_create(&team_options, &team) == PF_OK);
    auto bytes = session_options(0, 0, 1), batch = session_options(0, 0, 2);
    auto shared = session_options(0, 0, 1);
    bytes.input_format = PF_INPUT_NHWC_U8;
    batch.batch = 4;
    shared.team = team;
    for (const pf_session_options& options :
         {session_options(0, 0, 1), session_options(0, 0, 2), bytes, batch, shared}) {
        pf_session* session = nullptr;
        refuse_each([&] { return pf_session_create(model.get(), &options, &session); },
                    [&] { pf_session_destroy(session), session = nullptr; },
                    kOfPlan + (options.team == nullptr ? kOfTeam : 0));
    }
    pf_team_destroy(team);
}

TEST_CASE("oneDNN's failures: no memory is told from others, and the session runs on") {
    const ModelHandle model = load(Folder());
    pf_session* none = nullptr;
    fail_next_primitive(kOneDnnOutOfMemory);
    CHECK(pf_session_create(model.get(), nullptr, &none) == PF_OUT_OF_MEMORY);
    fail_next_primitive(kOneDnnRuntimeError);
    check_refused(pf_session_create(model.get(), nullptr, &none), PF_UNSUPPORTED, "oneDNN");

    const SessionHandle session = open(model.get());
    const std::vector<float> input(3 * kSide * kSide);
    std::vector<float> logits(kClasses);
    const auto run = [&] { return pf_session_run(session.get(), input.data(), 1, logits.data()); };
    fail_next_primitive(kOneDnnOutOfMemory);
    check_refused(run(), PF_OUT_OF_MEMORY, "oneDNN");
    fail_next_primitive(kOneDnnRuntimeError);
    check_refused(run(), PF_INTERNAL, "oneDNN");
    CHECK(run() == PF_OK);
}

TEST_CASE("no memory for oneDNN during a run is an error, and the session runs on") {
    const ModelHandle model = load(Folder());
    const std::vector<float> input = hash_floats(3 * kSide * kSide, 83);
    for (const std::size_t num_threads : {1, 2}) {
        CAPTURE(num_threads);
        const auto options = session_options(0, 0, num_threads);
        const SessionHandle session = open(model.get(), &options);
        std::vector<float> expected(kClasses), logits(kClasses);
        const auto run = [&](float* to) {
            return pf_session_run(session.get(), input.data(), 1, to);
        };
        REQUIRE(run(expected.data()) == PF_OK);
        bool was_refused = true;
        int number = 0;
        for (; was_refused && number < kMaxAllocations; ++number) {
            CAPTURE(number);
            start_refusing(Asker::onednn, number);
            const pf_status status = run(logits.data());
            was_refused = stop_refusing();
            REQUIRE(status == (was_refused ? PF_OUT_OF_MEMORY : PF_OK));
            REQUIRE(run(logits.data()) == PF_OK);
            REQUIRE(same_bits(logits, expected));
        }
        CHECK(number > 1);
        CHECK_FALSE(was_refused);
    }
}

TEST_CASE("no memory: saving a compiled file") {
    reserve_last_error();
    const Folder folder;
    const ModelHandle model = load(folder);
    const std::string file = folder.folder.path("model.pf");
    refuse_each([&] { return pf_model_save_compiled(model.get(), file.c_str()); }, [] {});
    const std::filesystem::directory_iterator files(folder.folder.path());
    CHECK(std::distance(begin(files), end(files)) == 3);  // the model's two, and this one
}

}  // namespace pf::test
