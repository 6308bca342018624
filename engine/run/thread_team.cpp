// ThreadTeam: the caller and its workers, running one job together.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/thread_team.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <xmmintrin.h>

#include <algorithm>
#include <set>
#include <string>
#include <system_error>

#include "engine/run/cpu_budget.hpp"

namespace pf {
namespace {

using Clock = std::chrono::steady_clock;

// Threads of one team reach a barrier within microseconds of each other, unless one was interrupted
// or there are more threads than cores and it is not running at all. Then the others offer it their
// cores for a while before they sleep: being woken up takes longer than most of these waits. Who
// lets idle workers spin is likely to have cores to spare, and gets the long patience, until it
// turns out to be of no use. The short one remains: a core that is offered at once may go to
// another program for milliseconds. Only a team that needs its cores for itself has none: then
// somebody waits for a core nearly always.
constexpr std::chrono::microseconds kShortPatience{50};
constexpr std::chrono::microseconds kLongPatience{2000};
constexpr std::chrono::microseconds kYield{2000};

constexpr std::size_t kMaxThreads = 1024;

// As long as it lives, this thread and those it starts handle no signals but those that a fault of
// their own raises: blocked, these would end the process before a handler could say why.
class SignalBlock {
  public:
    SignalBlock() {
        sigset_t signals;
        sigfillset(&signals);
        for (const int fault : {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
            sigdelset(&signals, fault);
        }
        pthread_sigmask(SIG_BLOCK, &signals, &before_);
    }
    SignalBlock(const SignalBlock&) = delete;
    SignalBlock& operator=(const SignalBlock&) = delete;
    ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

// For so many threads; `cpus` as in ThreadTeam::create.
std::size_t num_usable_cpus(const std::vector<int>& cpus, std::size_t num_threads) {
    if (cpus.empty()) return affinity_cpus();
    return std::set<int>(cpus.begin(), cpus.begin() + std::min(cpus.size(), num_threads)).size();
}

// The CPU in `allowed` that stands `steps` behind `cpu`, round and round without `cpu` itself;
// `cpu` if there is no other.
int cpu_behind(int cpu, std::size_t steps, const cpu_set_t& allowed) {
    for (int i = 1; i < CPU_SETSIZE; ++i) {
        const int candidate = (cpu + i) % CPU_SETSIZE;
        if (CPU_ISSET(static_cast<std::size_t>(candidate), &allowed) && --steps == 0) {
            return candidate;
        }
    }
    return cpu;
}

}  // namespace

ThreadTeam::ThreadTeam(std::size_t num_threads, std::chrono::microseconds spin,
                       const std::vector<int>& cpus)
    : num_threads_(num_threads),
      spin_(spin),
      outnumbers_cpus_(num_threads > num_usable_cpus(cpus, num_threads)),
      is_pinned_(!cpus.empty()) {}

Result<std::unique_ptr<ThreadTeam>> ThreadTeam::create(std::size_t num_threads,
                                                       std::chrono::microseconds spin,
                                                       const std::vector<int>& cpus) {
    if (num_threads == 0 || num_threads > kMaxThreads) {
        return Error{ErrorCode::invalid_argument,
                     "num_threads: found " + std::to_string(num_threads) + ", expected 1 to " +
                         std::to_string(kMaxThreads)};
    }
    std::unique_ptr<ThreadTeam> team(new ThreadTeam(num_threads, spin, cpus));
    team->workers_->reserve(num_threads - 1);
    try {
        const SignalBlock block;
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
    if (fork_mark_.is_forked_child()) {
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
    if (fork_mark_.is_forked_child() || is_taken_.exchange(true, std::memory_order_acquire)) {
        return false;
    }
    function_ = function;
    context_ = context;
    caller_cpu_ = ::sched_getcpu();
    // Whoever must be woken up may be waiting for this very core.
    is_crowded_.store(sleepers_.load(std::memory_order_relaxed) > 0, std::memory_order_relaxed);
    job_number_.fetch_add(1);
    wake_sleepers(job_number_);
    function(context, 0);
    barrier();
    is_taken_.store(false, std::memory_order_release);
    return true;
}

void ThreadTeam::work(std::size_t thread) {
    for (std::uint32_t done = 0;; ++done) {
        // On a crowded core it may be the caller of the next job whom spinning holds up.
        const std::chrono::microseconds spin = patience(spin_);
        if (!spin_for_change(job_number_, done, spin)) {
            const auto yield = outnumbers_cpus_ ? std::chrono::microseconds{} : spin_ - spin;
            yield_or_sleep_for_change(job_number_, done, yield);
        }
        if (stopping_) return;
        if (::sched_getcpu() == caller_cpu_) leave_caller(thread);
        function_(context_, thread);
        barrier();
    }
}

// Linux likes to wake a thread up where the one is that wakes it, above all in a virtual machine
// after a long sleep, and takes milliseconds to move either. The CPUs behind the caller's are
// likely to share its caches, and different ones for different workers. Where a caller works alone
// the CPUs are taken.
void ThreadTeam::leave_caller(std::size_t thread) const {
    if (outnumbers_cpus_ || is_pinned_ || lone_callers_.load(std::memory_order_relaxed) > 0) return;
    cpu_set_t allowed;
    if (caller_cpu_ < 0 || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    const int other = cpu_behind(caller_cpu_, thread, allowed);
    if (other == caller_cpu_) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(other), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return;
    ::sched_setaffinity(0, sizeof allowed, &allowed);
}

void ThreadTeam::barrier() {
    if (num_threads_ == 1) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == num_threads_) {
        arrived_.store(0, std::memory_order_relaxed);
        phase_.store(phase + 1);
        wake_sleepers(phase_);
        return;
    }
    const auto spin = patience(std::clamp(spin_, kShortPatience, kLongPatience));
    if (spin_for_change(phase_, phase, spin)) return;
    is_crowded_.store(true, std::memory_order_relaxed);
    yield_or_sleep_for_change(phase_, phase, kYield);
}

std::chrono::microseconds ThreadTeam::patience(std::chrono::microseconds spin) const {
    if (outnumbers_cpus_) return {};
    return is_crowded_.load(std::memory_order_relaxed) ? std::min(kShortPatience, spin) : spin;
}

bool ThreadTeam::spin_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old,
                                 std::chrono::microseconds patience) {
    constexpr int kLooksPerClockRead = 64;
    const Clock::time_point start = Clock::now();
    do {
        for (int look = 0; look < kLooksPerClockRead; ++look) {
            if (value.load(std::memory_order_acquire) != old) return true;
            _mm_pause();
        }
    } while (Clock::now() - start < patience);
    return false;
}

void ThreadTeam::yield_or_sleep_for_change(const std::atomic<std::uint32_t>& value,
                                           std::uint32_t old, std::chrono::microseconds yield) {
    const Clock::time_point start = Clock::now();
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
