// Models from memory and from compiled files; allocators and log lines.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/run/cpu_budget.hpp"
#include "tests/support/api_handles.hpp"
#include "tests/support/api_session.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/compiled_bytes.hpp"

namespace pf::test {
namespace {

std::vector<float> logits_of(const pf_model* model) {
    const std::vector<float> image = hash_floats(3 * kSide * kSide, 3);
    std::vector<float> logits(kClasses);
    const SessionHandle session = open(model);
    REQUIRE(pf_session_run(session.get(), image.data(), 1, logits.data()) == PF_OK);
    return logits;
}

std::string in_mebibytes(std::size_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
    return text;
}

// Counts what it gives and takes back. What it gives is full of NaNs.
struct Counter {
    int blocks = 0;
    std::size_t bytes = 0;
    bool is_empty = false;  // gives nothing

    pf_allocator allocator() {
        return {[](void* user, std::size_t bytes, std::size_t alignment) -> void* {
                    auto& counter = *static_cast<Counter*>(user);
                    if (counter.is_empty) return nullptr;
                    ++counter.blocks;
                    counter.bytes += bytes;
                    const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
                    void* memory = std::aligned_alloc(alignment, whole);
                    return memory == nullptr ? nullptr : std::memset(memory, 0xFF, whole);
                },
                [](void* user, void* memory, std::size_t bytes) {
                    auto& counter = *static_cast<Counter*>(user);
                    --counter.blocks;
                    counter.bytes -= bytes;
                    std::free(memory);
                },
                this};
    }
};

}  // namespace

TEST_CASE("pf_model_load_memory: the bytes of the two files are the folder") {
    const Folder folder;
    const std::string json = content_of(folder.folder.path("model.json"));
    const std::string weights = content_of(folder.folder.path("model.safetensors"));
    pf_model* model = nullptr;
    REQUIRE(pf_model_load_memory(json.data(), json.size(), weights.data(), weights.size(), nullptr,
                                 &model) == PF_OK);
    const ModelHandle from_memory(model);
    CHECK(same_bits(logits_of(model), logits_of(load(folder).get())));

    pf_model* none = nullptr;
    check_refused(pf_model_load_memory(json.data(), json.size() - 1, weights.data(), weights.size(),
                                       nullptr, &none),
                  PF_INVALID_MODEL, "model.json");
    check_refused(pf_model_load_memory(json.data(), json.size(), weights.data(), weights.size() - 1,
                                       nullptr, &none),
                  PF_INVALID_MODEL, "model.safetensors");
    check_null(pf_model_load_memory(nullptr, 0, weights.data(), 0, nullptr, &none), "json");
    check_null(pf_model_load_memory(json.data(), 0, nullptr, 0, nullptr, &none), "safetensors");
    CHECK(none == nullptr);
}

TEST_CASE("compiled file: mapped, copied or in memory, it gives the bits of the folder") {
    const Folder folder(true);
    const std::string file = folder.folder.path("model.pf");
    for (const std::string& isa : runnable_isas()) {
        CAPTURE(isa);
        const pf_model_options wanted = model_options(isa.c_str());
        const ModelHandle model = load(folder.folder.path(), &wanted);
        const std::vector<float> expected = logits_of(model.get());
        REQUIRE_MESSAGE(pf_model_save_compiled(model.get(), file.c_str()) == PF_OK,
                        pf_last_error());
        auto options = sized<pf_model_options>();
        options.isa = isa.c_str();
        for (const int copy : {0, 1}) {
            options.copy_weights = copy;
            const ModelHandle compiled = load(file, &options);
            CHECK(same_bits(logits_of(compiled.get()), expected));
            CHECK(std::string(pf_model_label(compiled.get(), 4)) == "e");
            auto info = sized<pf_model_info>();
            auto original = sized<pf_model_info>();
            REQUIRE(pf_model_get_info(compiled.get(), &info) == PF_OK);
            REQUIRE(pf_model_get_info(model.get(), &original) == PF_OK);
            CHECK(info.num_parameters == original.num_parameters);
            CHECK(std::string(info.isa) == isa);

            const std::string content = content_of(file);
            const AlignedBytes aligned = resized(std::as_bytes(std::span(content)), content.size());
            const std::span<const std::byte> bytes = aligned.bytes();
            pf_model* in_memory = nullptr;
            REQUIRE(pf_model_load_compiled_memory(bytes.data(), bytes.size(), &options,
                                                  &in_memory) == PF_OK);
            CHECK(same_bits(logits_of(ModelHandle(in_memory).get()), expected));
            check_refused(
                pf_model_load_compiled_memory(bytes.data() + 4, bytes.size(), &options, &in_memory),
                PF_INVALID_ARGUMENT, "multiple of 64");
        }
        // A compiled model can be saved again, and is the same file.
        const std::string again = folder.folder.path("again.pf");
        REQUIRE(pf_model_save_compiled(load(file, &options).get(), again.c_str()) == PF_OK);
        CHECK(content_of(again) == content_of(file));
    }
}

TEST_CASE("compiled file: a mapped one keeps working when its name is replaced or removed") {
    const Folder folder;
    const std::string file = folder.folder.path("model.pf");
    const ModelHandle model = load(folder);
    REQUIRE(pf_model_save_compiled(model.get(), file.c_str()) == PF_OK);
    const ModelHandle mapped = load(file);
    REQUIRE(pf_model_save_compiled(mapped.get(), file.c_str()) == PF_OK);
    CHECK(same_bits(logits_of(mapped.get()), logits_of(model.get())));
    std::filesystem::remove(file);
    CHECK(same_bits(logits_of(mapped.get()), logits_of(model.get())));
}

TEST_CASE("pf_model_save_compiled: what cannot be written leaves nothing behind") {
    const Folder folder;
    const ModelHandle model = load(folder);
    check_refused(pf_model_save_compiled(model.get(), "/no/such/folder/model.pf"), PF_FILE_ERROR,
                  "/no/such/folder/model.pf");
    const std::string is_folder = folder.folder.path("taken");
    std::filesystem::create_directory(is_folder);
    check_refused(pf_model_save_compiled(model.get(), is_folder.c_str()), PF_FILE_ERROR, "taken");
    const std::string pipe = folder.folder.path("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    check_refused(pf_model_save_compiled(model.get(), pipe.c_str()), PF_FILE_ERROR,
                  pipe + ": found a device, a pipe or a socket");
    CHECK(std::filesystem::is_fifo(pipe));
    std::filesystem::remove(pipe);
    std::size_t num_files = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder.folder.path())) {
        ++num_files;
    }
    CHECK(num_files == 3);  // two of the model, and the folder
    check_null(pf_model_save_compiled(nullptr, "x"), "model");
    check_null(pf_model_save_compiled(model.get(), nullptr), "file");
}

TEST_CASE("allocator: weights and arenas come from it, and go back to it") {
    const Folder folder;
    Counter counter;
    const pf_allocator allocator = counter.allocator();
    auto options = sized<pf_model_options>();
    options.allocator = &allocator;
    auto with_arena = session_options(0, 0, 2);
    with_arena.allocator = &allocator;
    {
        const ModelHandle model = load(folder.folder.path(), &options);
        CHECK(counter.blocks == 1);
        auto info = sized<pf_model_info>();
        REQUIRE(pf_model_get_info(model.get(), &info) == PF_OK);
        CHECK(counter.bytes == info.weight_bytes);
        CHECK(same_bits(logits_of(model.get()), logits_of(load(folder).get())));
        const SessionHandle session = open(model.get(), &with_arena);
        CHECK(counter.blocks == 2);
        auto session_info = sized<pf_session_info>();
        REQUIRE(pf_session_get_info(session.get(), &session_info) == PF_OK);
        CHECK(counter.bytes == info.weight_bytes + session_info.arena_bytes);
        const std::vector<float> image = hash_floats(3 * kSide * kSide, 3);
        std::vector<float> logits(kClasses);
        REQUIRE(pf_session_run(session.get(), image.data(), 1, logits.data()) == PF_OK);
        CHECK(same_bits(logits, logits_of(model.get())));

        const std::string file = folder.folder.path("model.pf");
        REQUIRE(pf_model_save_compiled(model.get(), file.c_str()) == PF_OK);
        options.copy_weights = 1;
        const ModelHandle copied = load(file, &options);
        CHECK(counter.blocks == 3);
    }
    CHECK(counter.blocks == 0);
    CHECK(counter.bytes == 0);

    counter.is_empty = true;
    pf_model* none = nullptr;
    check_refused(pf_model_load(folder.folder.path().c_str(), &options, &none), PF_OUT_OF_MEMORY,
                  "cannot allocate");
    const ModelHandle model = load(folder);
    pf_session* session = nullptr;
    check_refused(pf_session_create(model.get(), &with_arena, &session), PF_OUT_OF_MEMORY,
                  "cannot allocate");
    const pf_allocator half{allocator.allocate, nullptr, nullptr};
    options.allocator = &half;
    check_null(pf_model_load(folder.folder.path().c_str(), &options, &none),
               "allocator->deallocate");
}

TEST_CASE("log: loading and making a session say what came of it, and warn of too many threads") {
    struct Line {
        pf_log_level level;
        std::string message;
    };
    const Folder folder;
    std::vector<Line> lines;
    const pf_log_function log = [](void* user, pf_log_level level, const char* message) {
        static_cast<std::vector<Line>*>(user)->push_back({level, message});
    };
    auto options = sized<pf_model_options>();
    options.log = log;
    options.log_user = &lines;
    const ModelHandle model = load(folder.folder.path(), &options);
    auto info = sized<pf_model_info>();
    REQUIRE(pf_model_get_info(model.get(), &info) == PF_OK);
    CHECK(lines.back().message.ends_with(", " + in_mebibytes(info.weight_bytes) +
                                         " of packed weights"));
    for (const std::size_t num_threads : {std::size_t{1}, cpu_budget() + 1}) {
        auto for_session = session_options(400, 400, num_threads);
        for_session.log = log;
        for_session.log_user = &lines;
        const std::size_t line = lines.size();
        const SessionHandle session = open(model.get(), &for_session);
        auto session_info = sized<pf_session_info>();
        REQUIRE(pf_session_get_info(session.get(), &session_info) == PF_OK);
        CHECK(lines.at(line).message.ends_with(", " + in_mebibytes(session_info.arena_bytes) +
                                               " of activations"));
    }
    const std::string too_many = std::to_string(cpu_budget() + 1) + " threads";
    const std::string budget = " and CPUs for " + std::to_string(cpu_budget()) + ",";
    const Line expected[] = {{PF_LOG_INFO, "compiled for"},
                             {PF_LOG_INFO, "400x400, 1 threads" + budget},
                             {PF_LOG_INFO, "400x400, " + too_many},
                             {PF_LOG_WARNING, too_many + ", but CPUs for"}};
    REQUIRE(lines.size() == std::size(expected));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(lines[i].level == expected[i].level);
        CHECK(lines[i].message.find(expected[i].message) != std::string::npos);
    }
}

TEST_CASE("pf_model_load: files that are no compiled models") {
    const TemporaryFolder folder;
    const ModelHandle model = load(Folder());
    const std::string file = folder.path("model.pf");
    REQUIRE(pf_model_save_compiled(model.get(), file.c_str()) == PF_OK);
    std::string damaged = content_of(file);
    damaged[0] = 'p';
    pf_model* none = nullptr;
    for (const std::string& content : {damaged, std::string("PFMO"), std::string("{}")}) {
        const std::string path = folder.write("other.pf", content);
        check_refused(pf_model_load(path.c_str(), nullptr, &none), PF_INVALID_MODEL,
                      path + ": found");
        CHECK(none == nullptr);
    }
    const std::string empty = folder.write("empty.pf", "");
    check_refused(pf_model_load(empty.c_str(), nullptr, &none), PF_INVALID_MODEL, empty);
}

TEST_CASE("pf_model_load: a large file that is no compiled model is not read") {
    constexpr off_t kBytes = off_t{1} << 30;
    const TemporaryFolder folder;
    const std::string file = folder.write("large.pf", "no model");
    REQUIRE(::truncate(file.c_str(), kBytes) == 0);  // zeros that take no room on the disk
    const auto largest_kilobytes = [] {
        struct rusage usage {};
        REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
        return usage.ru_maxrss;
    };
    const long before = largest_kilobytes();
    pf_model* none = nullptr;
    check_refused(pf_model_load(file.c_str(), nullptr, &none), PF_INVALID_MODEL, "no compiled");
    CHECK(largest_kilobytes() - before < kBytes / 1024 / 2);
}

// Mapped, the pages that a file loses meanwhile would end the process.
TEST_CASE("copy_weights: a file that changes while it is loaded is an error") {
    const Folder folder;
    const std::string file = folder.folder.path("model.pf");
    REQUIRE(pf_model_save_compiled(load(folder).get(), file.c_str()) == PF_OK);
    const std::string content = content_of(file);
    std::atomic<bool> is_done = false;
    std::thread changer([&] {
        while (!is_done) {
            std::filesystem::resize_file(file, content.size() / 8);
            std::filesystem::resize_file(file, content.size());
        }
    });
    auto options = sized<pf_model_options>();
    options.copy_weights = 1;
    int num_loaded = 0;
    for (int i = 0; i < 300; ++i) {
        pf_model* model = nullptr;
        num_loaded += pf_model_load(file.c_str(), &options, &model) == PF_OK;
        pf_model_destroy(model);
    }
    is_done = true;
    changer.join();
    CHECK(num_loaded < 300);
}

// The threads of this process that may run on CPU 0 and on no other.
std::size_t count_threads_on_cpu_0() {
    std::size_t count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        cpu_set_t cpus;
        const int thread = std::stoi(task.path().filename());
        if (sched_getaffinity(thread, sizeof cpus, &cpus) != 0) continue;  // it has just ended
        count += CPU_COUNT(&cpus) == 1 && CPU_ISSET(0, &cpus);
    }
    return count;
}

TEST_CASE("cpus: workers run where they are told, or creating them fails") {
    auto options = sized<pf_team_options>();
    options.num_threads = 3;
    const int first[] = {0, 0};
    options.cpus = first;
    options.num_cpus = 2;
    const std::size_t before = count_threads_on_cpu_0();
    pf_team* team = nullptr;
    REQUIRE_MESSAGE(pf_team_create(&options, &team) == PF_OK, pf_last_error());
    CHECK(count_threads_on_cpu_0() == before + 2);
    pf_team_destroy(team);
    CHECK(count_threads_on_cpu_0() == before);
    const ModelHandle model = load(Folder());
    auto own_team = session_options(0, 0, 2);
    own_team.cpus = first;
    own_team.num_cpus = 2;
    const SessionHandle session = open(model.get(), &own_team);
    CHECK(count_threads_on_cpu_0() == before + 1);
    for (const int bad : {-1, 100000}) {
        const int cpus[] = {bad, 0};  // the caller's, which is its own affair, and a worker's
        options.cpus = cpus;
        for (const std::size_t num_threads : {1, 2}) {
            options.num_threads = num_threads;
            for (const std::size_t num_cpus : {1, 2}) {
                options.num_cpus = num_cpus;
                check_refused(pf_team_create(&options, &team), PF_INVALID_ARGUMENT,
                              "cpus: found " + std::to_string(bad));
                CHECK(team == nullptr);
            }
        }
    }
    options.cpus = nullptr;
    check_null(pf_team_create(&options, &team), "cpus");
}

// Unwinding a thread out of a function that lets nothing out would end the process.
TEST_CASE("C API: pthread_cancel waits until a function has returned") {
    struct Outcome {
        const std::string folder;
        pf_status status = PF_INTERNAL;
        int cancel_state = PTHREAD_CANCEL_DISABLE;
    };
    const Folder source;
    Outcome outcome{source.folder.path()};
    pthread_t thread{};
    const auto load_cancelled = [](void* data) -> void* {
        auto& outcome = *static_cast<Outcome*>(data);
        pthread_cancel(pthread_self());
        pf_model* model = nullptr;
        outcome.status = pf_model_load(outcome.folder.c_str(), nullptr, &model);
        pf_model_destroy(model);
        pf_cpu_budget();
        // Unwinding this thread here would be right, but AddressSanitizer cannot follow it.
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &outcome.cancel_state);
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, nullptr, load_cancelled, &outcome) == 0);
    void* result = nullptr;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == nullptr);
    CHECK(outcome.status == PF_OK);
    CHECK(outcome.cancel_state == PTHREAD_CANCEL_ENABLE);
}

}  // namespace pf::test
