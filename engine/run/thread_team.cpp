// ThreadTeam: the caller and its workers, running one job together.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/thread_team.hpp"

#include <pthread.h>
#include <sched.h>
#include <xmmintrin.h>

#include <string>
#include <system_error>

namespace pf {
namespace {

// Threads of one team reach a barrier within microseconds of each other, unless one was interrupted
// or there are more threads than cores and it is not running at all. Then the others offer it their
// cores for a while before they sleep: being woken up takes longer than most of these waits.
constexpr std::chrono::microseconds kBarrierSpin{50};
constexpr std::chrono::microseconds kBarrierYield{2000};

constexpr std::size_t kMaxThreads = 1024;

}  // namespace

Result<std::unique_ptr<ThreadTeam>> ThreadTeam::create(std::size_t num_threads,
                                                       std::chrono::microseconds spin,
                                                       const std::vector<int>& cpus) {
    if (num_threads == 0 || num_threads > kMaxThreads) {
        return Error{ErrorCode::invalid_argument, "found " + std::to_string(num_threads) +
                                                      " threads, expected 1 to " +
                                                      std::to_string(kMaxThreads)};
    }
    std::unique_ptr<ThreadTeam> team(new ThreadTeam(num_threads, spin));
    team->workers_->reserve(num_threads - 1);
    try {
        for (std::size_t thread = 1; thread < num_threads; ++thread) {
            team->workers_->emplace_back([raw = team.get(), thread] { raw->work(thread); });
        }
    } catch (const std::system_error& failure) {
        return Error{ErrorCode::out_of_memory, "cannot start " + std::to_string(num_threads - 1) +
                                                   " threads: " + failure.what()};
    }
    if (Status status = team->pin(cpus); !status) return status.error();
    return team;
}

Status ThreadTeam::pin(const std::vector<int>& cpus) {
    for (std::size_t i = 0; i < workers_->size() && !cpus.empty(); ++i) {
        const int cpu = cpus[(i + 1) % cpus.size()];
        cpu_set_t set;
        CPU_ZERO(&set);
        if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &set);
        const int problem =
            pthread_setaffinity_np((*workers_)[i].native_handle(), sizeof set, &set);
        if (problem != 0) {
            return Error{ErrorCode::invalid_argument, "cpus: found " + std::to_string(cpu) +
                                                          ", on which no thread can run: " +
                                                          std::system_category().message(problem)};
        }
    }
    return {};
}

ThreadTeam::~ThreadTeam() {
    if (fork_mark_.is_behind_fork()) {
        // They run in the parent only: joining them would wait for ever, and detaching threads that
        // do not exist is undefined. What they leave behind is a few bytes.
        static_cast<void>(workers_.release());
        return;
    }
    stopping_ = true;
    job_number_.fetch_add(1);
    wake_sleepers(job_number_);
    for (std::thread& worker : *workers_) worker.join();
}

bool ThreadTeam::try_run_erased(Function function, void* context) {
    if (num_threads_ == 1) {
        function(context, 0);
        return true;
    }
    if (fork_mark_.is_behind_fork() || is_taken_.exchange(true, std::memory_order_acquire)) {
        return false;
    }
    function_ = function;
    context_ = context;
    job_number_.fetch_add(1);
    wake_sleepers(job_number_);
    function(context, 0);
    barrier();
    is_taken_.store(false, std::memory_order_release);
    return true;
}

void ThreadTeam::work(std::size_t thread) {
    for (std::uint32_t done = 0;; ++done) {
        wait_for_change(job_number_, done, spin_, spin_);
        if (stopping_) return;
        function_(context_, thread);
        barrier();
    }
}

void ThreadTeam::barrier() {
    if (num_threads_ == 1) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == num_threads_) {
        arrived_.store(0, std::memory_order_relaxed);
        phase_.store(phase + 1);
        wake_sleepers(phase_);
    } else {
        // Who lets idle workers spin for longer than that has cores to spare.
        const bool spins_only = spin_ > kBarrierYield;
        wait_for_change(phase_, phase, spins_only ? spin_ : kBarrierSpin, kBarrierYield);
    }
}

void ThreadTeam::wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old,
                                 std::chrono::microseconds spin, std::chrono::microseconds yield) {
    using Clock = std::chrono::steady_clock;
    constexpr int kLooksPerClockRead = 64;
    const Clock::time_point start = Clock::now();
    do {
        for (int look = 0; look < kLooksPerClockRead; ++look) {
            if (value.load(std::memory_order_acquire) != old) return;
            _mm_pause();
        }
    } while (Clock::now() - start < spin);
    while (Clock::now() - start < yield) {
        std::this_thread::yield();
        if (value.load(std::memory_order_acquire) != old) return;
    }
    // Either wake_sleepers() sees this thread counted, or this thread sees the new value.
    sleepers_.fetch_add(1);
    value.wait(old);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

// Counted here, because std::atomic's own count is shared by all atomics of a process that happen
// to meet in one of its slots: with any thread asleep anywhere, every barrier would be a system
// call.
void ThreadTeam::wake_sleepers(std::atomic<std::uint32_t>& value) {
    if (sleepers_.load() > 0) value.notify_all();
}

}  // namespace pf
