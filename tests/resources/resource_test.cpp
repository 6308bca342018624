// What a process with sessions asks of the system: calls, processor time, threads, memory.
// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/resources/syscall_filter.hpp"

namespace pf::test {
namespace {

constexpr const char* kModel = PF_SOURCE_DIR "/models/poolformer_c10";
constexpr int kRuns = 300;

// The shipped model, a session and its buffers.
class Runner {
  public:
    Runner(std::size_t num_threads, std::uint32_t spin_us) {
        REQUIRE(pf_model_load(kModel, nullptr, &model_) == PF_OK);
        pf_session_options options{};
        options.struct_size = sizeof options;
        options.num_threads = num_threads;
        options.spin_us = spin_us;
        REQUIRE(pf_session_create(model_, &options, &session_) == PF_OK);
        pf_session_info info{};
        info.struct_size = sizeof info;
        REQUIRE(pf_session_get_info(session_, &info) == PF_OK);
        arena_bytes_ = info.arena_bytes;
        input_.assign(3 * info.input_height * info.input_width, 0.25f);
        pf_model_info model_info{};
        model_info.struct_size = sizeof model_info;
        REQUIRE(pf_model_get_info(model_, &model_info) == PF_OK);
        weight_bytes_ = model_info.weight_bytes;
        logits_.resize(model_info.num_classes);
    }
    ~Runner() {
        pf_session_destroy(session_);
        pf_model_destroy(model_);
    }
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    bool run(int times) {
        bool done = true;
        for (int i = 0; i < times; ++i) {
            done = done && pf_session_run(session_, input_.data(), 1, logits_.data()) == PF_OK;
        }
        return done;
    }

    std::size_t weight_bytes() const { return weight_bytes_; }
    std::size_t arena_bytes() const { return arena_bytes_; }

  private:
    pf_model* model_ = nullptr;
    pf_session* session_ = nullptr;
    std::size_t weight_bytes_ = 0;
    std::size_t arena_bytes_ = 0;
    std::vector<float> input_;
    std::vector<float> logits_;
};

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

enum Outcome { kGood = 0, kRunFailed, kNoFilter, kTooManyWaits };

int run_without_system_calls(std::size_t num_threads) {
    Runner runner(num_threads, 10'000'000);
    if (!runner.run(3)) return kRunFailed;
    if (!forbid_system_calls()) return kNoFilter;
    if (!runner.run(kRuns)) return kRunFailed;
    // A thread whose core was taken away for milliseconds makes the others wait for it: rare.
    if (num_futex_calls() > (num_threads == 1 ? 0 : kRuns / 2)) return kTooManyWaits;
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

// Bytes of this process that no other process shares.
std::size_t private_bytes() {
    std::ifstream file("/proc/self/smaps_rollup");
    REQUIRE(file.is_open());
    std::size_t total = 0;
    for (std::string line; std::getline(file, line);) {
        std::size_t kilobytes = 0;
        if (std::sscanf(line.c_str(), "Private_Clean: %zu", &kilobytes) == 1 ||
            std::sscanf(line.c_str(), "Private_Dirty: %zu", &kilobytes) == 1) {
            total += kilobytes * 1024;
        }
    }
    return total;
}

}  // namespace

TEST_CASE("the filter stops a system call") {
    CHECK(in_child([] {
              if (!forbid_system_calls()) return int{kNoFilter};
              return static_cast<int>(getppid() != 0);
          }) == kForbiddenCall);
}

TEST_CASE("running makes no system call: no file, no socket, no output, no memory, no clock") {
    CHECK(in_child([] { return run_without_system_calls(1); }) == kGood);
}

TEST_CASE("running on a spinning team makes none either") {
    CHECK(in_child([] { return run_without_system_calls(2); }) == kGood);
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

TEST_CASE("private memory: packed weights, arena, and less than 6 MB") {
    const std::size_t before = private_bytes();
    Runner runner(1, 0);
    REQUIRE(runner.run(1));
    const std::size_t after = private_bytes();
    const std::size_t counted = runner.weight_bytes() + runner.arena_bytes();
    MESSAGE((after - before) << " bytes more, " << counted << " of them weights and arena");
    CHECK(after - before <= counted + (std::size_t{6} << 20));
}

TEST_CASE("resident memory does not grow from run to run") {
    Runner runner(2, 100);
    REQUIRE(runner.run(kRuns));
    const std::size_t before = private_bytes();
    REQUIRE(runner.run(3 * kRuns));
    CHECK(private_bytes() <= before + 64 * 1024);  // what reading /proc itself may take
}

}  // namespace pf::test
