// ThreadTeam: the caller and its workers, running one job together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/run/fork_mark.hpp"

namespace pf {

// A fork-join team: try_run() calls job(thread) once on each of num_threads() threads, thread 0
// being the caller, and returns when all have. Inside the job, barrier() waits for everybody: it
// spins for 50 us, or for `spin` if that is longer, but for 2 ms at most; then yields for 2 ms;
// then sleeps. A team is crowded for the rest of a job in which a thread spun in vain, and for all
// of one that had to wake workers up: then everybody spins for 50 us. So with a long `spin` a team
// on cores of its own makes no system call while its workers are awake, and one that shares them
// does not keep them from those it waits for. An idle worker spins for `spin`, then sleeps; after a
// crowded job it yields instead, but for the first 50 us. A team of more threads than CPUs, as its
// creator may use or as `cpus` names, never spins: who waits yields, and who is idle sleeps.
// Without `cpus`, a worker that finds itself on the caller's CPU moves to another one that it may
// use. A team of one has no threads at all. Several callers may share a team: one has it at a time,
// the others are told. Does not queue, nest or steal. Workers handle no signals but those of a
// fault of their own, such as SIGSEGV, so other handlers only run in the host's threads.
//
// fork() leaves the workers behind: in the child the team is busy for good, and may be destroyed.
class ThreadTeam {
  public:
    // Thread i, but for the caller, may only run on cpus[i % cpus.size()]; without any, anywhere.
    // Fails with out_of_memory if the system has no more threads, and with invalid_argument if a
    // thread cannot be put on its CPU.
    static Result<std::unique_ptr<ThreadTeam>> create(std::size_t num_threads,
                                                      std::chrono::microseconds spin,
                                                      const std::vector<int>& cpus = {});
    ~ThreadTeam();
    ThreadTeam(const ThreadTeam&) = delete;
    ThreadTeam& operator=(const ThreadTeam&) = delete;

    std::size_t num_threads() const { return num_threads_; }

    // False, without running anything, if the team is busy.
    template <class Job>
    bool try_run(const Job& job) {
        return try_run_erased(
            [](void* context, std::size_t thread) { (*static_cast<const Job*>(context))(thread); },
            const_cast<Job*>(&job));
    }

    void barrier();

    // As long as it lives, one whom try_run() refused works on a CPU of its own: workers leave it
    // alone.
    class LoneCaller {
      public:
        explicit LoneCaller(ThreadTeam& team) : team_(team) { team_.lone_callers_.fetch_add(1); }
        LoneCaller(const LoneCaller&) = delete;
        LoneCaller& operator=(const LoneCaller&) = delete;
        ~LoneCaller() { team_.lone_callers_.fetch_sub(1); }

      private:
        ThreadTeam& team_;
    };

  private:
    using Function = void (*)(void* context, std::size_t thread);

    ThreadTeam(std::size_t num_threads, std::chrono::microseconds spin,
               const std::vector<int>& cpus);
    bool try_run_erased(Function function, void* context);
    void work(std::size_t thread);
    // Moves worker `thread`, which calls it, away from the caller's CPU.
    void leave_caller(std::size_t thread) const;
    Status pin(const std::vector<int>& cpus);

    // How much of `spin` is worth spinning now.
    std::chrono::microseconds patience(std::chrono::microseconds spin) const;
    // Whether `value` came to differ from `old` within `patience`.
    static bool spin_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old,
                                std::chrono::microseconds patience);
    // Returns once `value` differs from `old`: yields for `yield`, then sleeps.
    void yield_or_sleep_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old,
                                   std::chrono::microseconds yield);
    // For after a change to `value` that was sequentially consistent.
    void wake_sleepers(std::atomic<std::uint32_t>& value);

    std::size_t num_threads_;
    std::chrono::microseconds spin_;
    bool outnumbers_cpus_;
    bool is_pinned_;
    std::unique_ptr<std::vector<std::thread>> workers_ =
        std::make_unique<std::vector<std::thread>>();
    Function function_ = nullptr;
    void* context_ = nullptr;
    int caller_cpu_ = 0;  // where the job began
    bool stopping_ = false;
    ForkMark fork_mark_;

    // Each on its own cache line: they are written while others spin on their neighbours.
    alignas(64) std::atomic<bool> is_taken_{false};
    alignas(64) std::atomic<std::uint32_t> job_number_{0};
    alignas(64) std::atomic<std::uint32_t> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> phase_{0};
    alignas(64) std::atomic<std::uint32_t> sleepers_{0};
    alignas(64) std::atomic<bool> is_crowded_{false};
    alignas(64) std::atomic<int> lone_callers_{0};
};

}  // namespace pf
