// ThreadTeam: every thread once a job, barriers that hold, and a clean end.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/thread_team.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace pf::test {
namespace {

using std::chrono::microseconds;

std::unique_ptr<ThreadTeam> make_team(std::size_t num_threads, microseconds spin,
                                      const std::vector<int>& cpus = {}) {
    auto team = ThreadTeam::create(num_threads, spin, cpus);
    REQUIRE(team);
    return std::move(*team);
}

// Of this thread.
void stay_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    CHECK(::sched_setaffinity(0, sizeof set, &set) == 0);
}

using Signals = std::set<int>;

Signals blocked_signals() {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    Signals blocked;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (sigismember(&mask, signal) == 1) blocked.insert(signal);
    }
    return blocked;
}

}  // namespace

TEST_SUITE("threads") {
    TEST_CASE("ThreadTeam: a job runs once on each thread, the caller being thread 0") {
        for (std::size_t num_threads = 1; num_threads <= 8; ++num_threads) {
            CAPTURE(num_threads);
            const auto team = make_team(num_threads, microseconds(0));
            CHECK(team->num_threads() == num_threads);
            std::vector<std::thread::id> ids(num_threads);
            std::vector<int> calls(num_threads, 0);  // each written by its thread only
            constexpr int kJobs = 100;
            for (int job = 0; job < kJobs; ++job) {
                team->try_run([&](std::size_t thread) {
                    ids[thread] = std::this_thread::get_id();
                    ++calls[thread];
                });
            }
            CHECK(calls == std::vector<int>(num_threads, kJobs));
            CHECK(ids[0] == std::this_thread::get_id());
            for (std::size_t thread = 1; thread < num_threads; ++thread) {
                CHECK(ids[thread] != ids[0]);
            }
        }
    }

    TEST_CASE("ThreadTeam: what is written before a barrier is read behind it") {
        const auto test = [](std::size_t num_threads, const std::vector<int>& cpus) {
            for (const microseconds spin : {microseconds(0), microseconds(100)}) {
                CAPTURE(num_threads);
                const auto team = make_team(num_threads, spin, cpus);
                std::vector<int> rounds(num_threads, 0);  // plain on purpose: TSan watches
                std::atomic<int> wrong{0};
                constexpr int kJobs = 5, kBarriers = 20;
                for (int job = 0; job < kJobs; ++job) {
                    team->try_run([&](std::size_t thread) {
                        for (int round = 1; round <= kBarriers; ++round) {
                            rounds[thread] = job * kBarriers + round;
                            team->barrier();
                            for (const int other : rounds) wrong += other != rounds[thread];
                            team->barrier();
                        }
                    });
                }
                CHECK(wrong == 0);
            }
        };
        for (const std::size_t num_threads : {1, 2, 3, 5, 8}) {
            test(num_threads, {});
            test(num_threads, {::sched_getcpu()});  // more threads than CPUs: nobody spins
        }
    }

    TEST_CASE("ThreadTeam: a worker does not stay on the caller's CPU") {
        cpu_set_t allowed;
        REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
        if (CPU_COUNT(&allowed) < 2) {
            std::puts("note there is one CPU only, so that no worker has to move: not checked");
            return;
        }
        const auto team = make_team(2, microseconds(1000000));  // awake, or it would be elsewhere
        const int caller_cpu = ::sched_getcpu();
        stay_on(caller_cpu);
        constexpr int kTries = 20;
        int num_apart = 0;
        for (int i = 0; i < kTries; ++i) {
            team->try_run([&](std::size_t thread) {
                if (thread == 0) return;
                stay_on(caller_cpu);  // joins the caller
                CHECK(::sched_setaffinity(0, sizeof allowed, &allowed) == 0);
            });
            bool is_apart = false;
            cpu_set_t after;
            team->try_run([&](std::size_t thread) {
                if (thread == 0) return;
                is_apart = ::sched_getcpu() != caller_cpu;
                ::sched_getaffinity(0, sizeof after, &after);
            });
            num_apart += is_apart;
            CHECK(CPU_EQUAL(&after, &allowed));
        }
        CHECK(num_apart > kTries / 2);  // the system may have moved it back
        REQUIRE(::sched_setaffinity(0, sizeof allowed, &allowed) == 0);
    }

    TEST_CASE("ThreadTeam: thousands of short jobs") {
        const auto team = make_team(2, microseconds(20));
        std::size_t sum = 0;
        std::vector<std::size_t> parts(2);
        constexpr std::size_t kJobs = 5000;
        for (std::size_t job = 0; job < kJobs; ++job) {
            team->try_run([&](std::size_t thread) { parts[thread] = job; });
            sum += parts[0] + parts[1];
        }
        CHECK(sum == kJobs * (kJobs - 1));
    }

    TEST_CASE("ThreadTeam: may be destroyed while its threads spin, sleep or were never used") {
        for (const microseconds spin : {microseconds(0), microseconds(5000)}) {
            for (const int sleep_ms : {0, 1, 10}) {
                const auto team = make_team(4, spin);
                int ran = 0;
                if (sleep_ms > 0) {
                    team->try_run([&](std::size_t thread) {
                        if (thread == 0) ++ran;
                    });
                    std::this_thread::sleep_for(std::chrono::milliseconds(sleep_ms));
                    CHECK(ran == 1);
                }
            }
        }
        for (int i = 0; i < 50; ++i) make_team(3, microseconds(0));
    }

    TEST_CASE("ThreadTeam: wakes up after a long sleep") {
        const auto team = make_team(3, microseconds(0));
        std::atomic<int> ran{0};
        for (int job = 0; job < 3; ++job) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            team->try_run([&](std::size_t) { ++ran; });
        }
        CHECK(ran == 9);
    }

    TEST_CASE("ThreadTeam: of several callers one has the team and the others are told") {
        const auto team = make_team(2, microseconds(20));
        constexpr int kAttempts = 500;
        std::atomic<int> inside{0}, overlaps{0}, ran{0}, refused{0};
        const auto attempt = [&] {
            for (int i = 0; i < kAttempts; ++i) {
                const bool done = team->try_run([&](std::size_t thread) {
                    if (thread != 0) return;
                    overlaps += inside.fetch_add(1) != 0;
                    inside.fetch_sub(1);
                });
                done ? ++ran : ++refused;
            }
        };
        std::vector<std::thread> callers;
        for (int i = 0; i < 3; ++i) callers.emplace_back(attempt);
        for (std::thread& caller : callers) caller.join();
        CHECK(overlaps == 0);
        CHECK(ran > 0);
        CHECK(ran + refused == 3 * kAttempts);
        CHECK(team->try_run([](std::size_t) {}));
    }

    TEST_CASE("ThreadTeam: inside a job the team is busy") {
        const auto team = make_team(2, microseconds(0));
        bool nested = true;
        CHECK(team->try_run([&](std::size_t thread) {
            if (thread == 0) nested = team->try_run([](std::size_t) {});
        }));
        CHECK_FALSE(nested);
    }

    TEST_CASE("ThreadTeam: workers block signals but those of faults, and the caller what it did") {
        const Signals before = blocked_signals();
        const auto team = make_team(3, microseconds(0));
        CHECK_FALSE(ThreadTeam::create(3, microseconds(0), {-1}));
        CHECK(blocked_signals() == before);
        std::vector<Signals> blocked(3);
        team->try_run([&](std::size_t thread) { blocked[thread] = blocked_signals(); });
        CHECK(blocked[0] == before);
        for (std::size_t thread = 1; thread < 3; ++thread) {
            for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGPROF, SIGRTMAX}) {
                CAPTURE(signal);
                CHECK(blocked[thread].count(signal) == 1);
            }
            for (const int signal : {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
                CAPTURE(signal);
                CHECK(blocked[thread].count(signal) == 0);
            }
        }
    }

    TEST_CASE("ThreadTeam: refuses numbers of threads that cannot be meant") {
        for (const std::size_t num_threads : {std::size_t{0}, std::size_t{1025}}) {
            const auto team = ThreadTeam::create(num_threads, microseconds(0));
            REQUIRE_FALSE(team);
            CHECK(team.error().code == ErrorCode::invalid_argument);
        }
    }
}

}  // namespace pf::test
