// What a process with sessions asks of the system: calls, processor time, threads, memory.
// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <malloc.h>
#include <poolformer/poolformer.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "tests/resources/syscall_filter.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/shipped_model.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {
namespace {

constexpr int kRuns = 100;

// The exit code of a child process that calls `body` and exits with what it returns.
template <class Body>
int in_child(const Body& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum Outcome { kGood = 0, kRunFailed, kNoFilter, kNotPinned };

bool pin(pid_t thread, std::size_t cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(thread, sizeof one, &one) == 0;
}

// Each thread of this process to a CPU of its own: left alone, the system may keep two on one.
bool spread_threads() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
    std::size_t cpu = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed)) ++cpu;
        if (cpu == CPU_SETSIZE) return false;
        if (!pin(std::stoi(thread.path().filename().string()), cpu++)) return false;
    }
    return true;
}

bool stay_where_they_are() {
    return true;
}

int run_without_system_calls(std::size_t num_threads, int num_runs, pf_input_format format,
                             bool (*place_threads)() = &stay_where_they_are) {
    Runner runner(num_threads, 10'000'000, format);
    if (!runner.run_with_all(3)) return kRunFailed;
    if (!place_threads()) return kNotPinned;
    if (!forbid_system_calls()) return kNoFilter;
    if (!runner.run_with_all(num_runs)) return kRunFailed;
    _exit(kGood);  // destructors make system calls
}

double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::size_t num_threads_now() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/task"))
        ++count;
    return count;
}

// Without the right to have more processes than its limit allows.
int make_team_without_threads() {
    constexpr uid_t kNobody = 65534;
    const rlimit none{1, 1};
    if (setrlimit(RLIMIT_NPROC, &none) != 0) return 1;
    if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) return 2;
    pf_team_options options{};
    options.struct_size = sizeof options;
    options.num_threads = 8;
    pf_team* team = nullptr;
    if (pf_team_create(&options, &team) != PF_OUT_OF_MEMORY || team != nullptr) return 3;
    if (std::string(pf_last_error()).find("cannot start 7 threads") == std::string::npos) return 4;
    return num_threads_now() == 1 ? 0 : 5;  // none is left of those that started
}

// The sum of some lines of what the kernel says about this process's memory, in bytes.
std::size_t memory_of(std::initializer_list<const char*> fields) {
    std::ifstream file("/proc/self/smaps_rollup");
    REQUIRE(file.is_open());
    std::size_t total = 0;
    for (std::string line; std::getline(file, line);) {
        for (const std::string field : fields) {
            if (line.rfind(field + ":", 0) == 0) total += std::stoul(line.substr(field.size() + 1));
        }
    }
    return total * 1024;
}

// That no other process shares.
std::size_t private_bytes() {
    return memory_of({"Private_Clean", "Private_Dirty"});
}

// Without pages of programs and libraries, which the system takes away and brings back as it likes.
std::size_t anonymous_bytes() {
    return memory_of({"Anonymous"});
}

struct MappedBytes {
    std::size_t shared = 0;
    std::size_t not_shared = 0;
};

// What is resident of a file, in all mappings of this process.
MappedBytes mapped_bytes(const std::string& file) {
    std::ifstream maps("/proc/self/smaps");
    MappedBytes bytes;
    bool is_it = false;
    for (std::string line; std::getline(maps, line);) {
        std::size_t kilobytes = 0;
        if (line.find('-') < line.find(' ') && line.find(':') > line.find(' ')) {
            is_it = line.find(file) != std::string::npos;
        } else if (is_it && (std::sscanf(line.c_str(), "Shared_Clean: %zu", &kilobytes) == 1 ||
                             std::sscanf(line.c_str(), "Shared_Dirty: %zu", &kilobytes) == 1)) {
            bytes.shared += kilobytes * 1024;
        } else if (is_it && (std::sscanf(line.c_str(), "Private_Clean: %zu", &kilobytes) == 1 ||
                             std::sscanf(line.c_str(), "Private_Dirty: %zu", &kilobytes) == 1)) {
            bytes.not_shared += kilobytes * 1024;
        }
    }
    return bytes;
}

// Twenty sessions, made, run and destroyed one after another.
bool use_sessions(const pf_model* model) {
    bool done = true;
    for (std::size_t i = 0; i < 20; ++i) {
        auto options = sized<pf_session_options>();
        options.input_height = 32 + 4 * (i / 2);
        options.input_width = 32;
        options.num_threads = 1 + i % 2;
        pf_session* session = nullptr;
        done = done && pf_session_create(model, &options, &session) == PF_OK;
        const std::vector<float> image(3 * options.input_height * options.input_width, 0.5f);
        std::vector<float> logits(10);
        done = done && pf_session_run(session, image.data(), 1, logits.data()) == PF_OK;
        pf_session_destroy(session);
    }
    return done;
}

}  // namespace

TEST_CASE("the filter stops a system call") {
    CHECK(in_child([] {
              if (!forbid_system_calls()) return int{kNoFilter};
              return static_cast<int>(getppid() != 0);
          }) == kForbiddenCall);
}

TEST_CASE("running makes no system call: no file, no socket, no output, no memory, no clock") {
    for (const pf_input_format format : {PF_INPUT_NCHW_F32, PF_INPUT_NHWC_F32, PF_INPUT_NHWC_U8}) {
        CAPTURE(static_cast<int>(format));
        CHECK(in_child([&] { return run_without_system_calls(1, kRuns, format); }) == kGood);
    }
}

// A team that waits in vain, since another process took one of its cores, does make some: hence ten
// runs at a time, until as many in a row are left in peace.
TEST_CASE("running on a spinning team makes none either, not even to wait") {
    if (std::thread::hardware_concurrency() < 2) {
        std::puts("note there is one CPU only, so that no team can spin: not checked");
        return;
    }
    constexpr int kRunsInPeace = 10, kMaxAttempts = 200;
    int outcome = kForbiddenCall;
    for (int i = 0; outcome == kForbiddenCall && i < kMaxAttempts; ++i) {
        outcome = in_child([] {
            return run_without_system_calls(2, kRunsInPeace, PF_INPUT_NHWC_U8, &spread_threads);
        });
    }
    CHECK(outcome == kGood);
}

TEST_CASE("running on a spinning team with one core makes system calls, to offer it to others") {
    CHECK(in_child([] {
              if (!pin(0, static_cast<std::size_t>(sched_getcpu()))) return int{kNotPinned};
              return run_without_system_calls(2, kRuns, PF_INPUT_NHWC_U8);
          }) == kForbiddenCall);
}

TEST_CASE("an idle team has the threads asked for, and costs no processor time") {
    CHECK(in_child([] {
              Runner runner(3, 1000);
              if (!runner.run(kRuns / 10)) return 1;
              if (num_threads_now() != 3) return 2;  // and none of OpenMP's
              usleep(20'000);                        // they spin for 1 ms, then sleep
              const double before = cpu_seconds();
              usleep(300'000);
              return cpu_seconds() - before < 0.003 ? 0 : 3;
          }) == 0);
}

TEST_CASE("a team whose threads the system does not start is no memory, and leaves none") {
    CHECK(in_child(&make_team_without_threads) == 0);
}

TEST_CASE("private memory: packed weights, arena, and less than 6 MB") {
    const TemporaryFolder s12;
    REQUIRE(in_child([&] {  // in another process, as it takes memory itself
                const Description& description =
                    golden().network("s12_224x224").heads.front().description;
                write_model(s12, description, hash_weights(description, golden().weights_seed));
                return 0;
            }) == 0);
    for (const std::string& model : {std::string(kShippedModel), s12.path()}) {
        CAPTURE(model);
        const std::size_t before = private_bytes();
        Runner runner(1, 0, PF_INPUT_NCHW_F32, model.c_str());
        REQUIRE(runner.run(1));
        const std::size_t after = private_bytes();
        const std::size_t counted = runner.weight_bytes() + runner.arena_bytes();
        MESSAGE((after - before) << " bytes more, " << counted << " of them weights and arena");
        CHECK(after - before <= counted + (std::size_t{6} << 20));
    }
}

TEST_CASE("a compiled file's pages are shared by the processes that map it") {
    const std::string file = std::filesystem::temp_directory_path() / "pf_resource_test.pf";
    pf_model* model = nullptr;
    REQUIRE(pf_model_load(kShippedModel, nullptr, &model) == PF_OK);
    REQUIRE(pf_model_save_compiled(model, file.c_str()) == PF_OK);
    pf_model_destroy(model);
    REQUIRE(pf_model_load(file.c_str(), nullptr, &model) == PF_OK);
    CHECK(in_child([&] {
              pf_model* own = nullptr;  // a mapping of its own, beside the one from its parent
              if (pf_model_load(file.c_str(), nullptr, &own) != PF_OK) return 1;
              const MappedBytes mapped = mapped_bytes(file);
              if (mapped.shared < std::filesystem::file_size(file)) return 2;
              return mapped.not_shared == 0 ? 0 : 3;
          }) == 0);
    pf_model_destroy(model);
    std::filesystem::remove(file);
}

TEST_CASE("resident memory does not grow from run to run") {
    Runner runner(2, 100);
    REQUIRE(runner.run(kRuns));
    const std::size_t before = anonymous_bytes();
    REQUIRE(runner.run(3 * kRuns));
    CHECK(anonymous_bytes() <= before + 64 * 1024);  // what reading /proc itself may take
}

TEST_CASE("slow: resident memory does not grow over 100,000 runs" * doctest::skip()) {
    Runner runner(2, 100);
    REQUIRE(runner.run(kRuns));
    const std::size_t before = anonymous_bytes();
    REQUIRE(runner.run(100'000));
    CHECK(anonymous_bytes() <= before + 64 * 1024);
}

TEST_CASE("ten sessions of ten sizes share one copy of the weights") {
    pf_model* model = nullptr;
    REQUIRE(pf_model_load(kShippedModel, nullptr, &model) == PF_OK);
    const std::size_t before = private_bytes();
    std::vector<pf_session*> sessions;
    std::size_t arenas = 0;
    for (std::size_t i = 0; i < 10; ++i) {
        pf_session_options options{};
        options.struct_size = sizeof options;
        options.input_height = 32 + 8 * i;
        options.input_width = 48 + 4 * i;
        pf_session* session = nullptr;
        REQUIRE(pf_session_create(model, &options, &session) == PF_OK);
        sessions.push_back(session);
        pf_session_info info{};
        info.struct_size = sizeof info;
        REQUIRE(pf_session_get_info(session, &info) == PF_OK);
        arenas += info.arena_bytes;
        const std::vector<float> image(3 * info.input_height * info.input_width, 0.5f);
        std::vector<float> logits(10);
        REQUIRE(pf_session_run(session, image.data(), 1, logits.data()) == PF_OK);
    }
    // oneDNN generates the code of a stem for each size.
    CHECK(private_bytes() - before <= arenas + (std::size_t{6} << 20));
    for (pf_session* session : sessions) pf_session_destroy(session);
    pf_model_destroy(model);
}

// oneDNN keeps the primitives of sizes it has seen (docs/embedding.md), so they come again here.
TEST_CASE("sessions and models that are destroyed leave no memory behind") {
    std::size_t before = 0, after = 0;
    for (int round = 0; round < 10; ++round) {
        pf_model* model = nullptr;
        REQUIRE(pf_model_load(kShippedModel, nullptr, &model) == PF_OK);
        REQUIRE(use_sessions(model));
        pf_model_destroy(model);
        malloc_trim(0);  // what was freed and kept for later is not lost
        after = anonymous_bytes();
        if (round == 3) before = after;
    }
    MESSAGE("120 sessions and 6 models: " << before << " bytes before, " << after << " after");
    CHECK(after <= before + 32 * 1024);
}

}  // namespace pf::test
