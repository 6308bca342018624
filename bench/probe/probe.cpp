// pf_bench_probe: the FMA peak, and how far apart two cores are, as a shared library for
// bench/suite.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <barrier>
#include <limits>
#include <thread>

#include "kernels/dispatch.hpp"
#include "tools/cli/latency.hpp"
#include "tools/cli/peak_probe.hpp"

namespace {

// Two threads that take turns at writing one cache line each.
class PingPong {
  public:
    // Nanoseconds there and back, on average of the quickest game: others were interrupted.
    double measure() {
        std::jthread other([this] {
            settle();
            for (int turn = 1; turn <= kGames * kTurns; ++turn) {
                wait_for(ping_, turn);
                pong_.store(turn, std::memory_order_release);
            }
        });
        settle();
        double quickest_ms = std::numeric_limits<double>::infinity();
        for (int game = 0; game < kGames; ++game) {
            const pf::cli::Stopwatch watch;
            for (int turn = game * kTurns + 1; turn <= (game + 1) * kTurns; ++turn) {
                ping_.store(turn, std::memory_order_release);
                wait_for(pong_, turn);
            }
            quickest_ms = std::min(quickest_ms, watch.elapsed_ms());
        }
        return quickest_ms * 1e6 / kTurns;
    }

  private:
    static constexpr int kGames = 10;
    static constexpr int kTurns = 500;
    static constexpr double kSettleMs = 5;

    // New threads start on one core, and are moved to free ones when both are busy.
    void settle() {
        const pf::cli::Stopwatch watch;
        while (watch.elapsed_ms() < kSettleMs) continue;
        start_.arrive_and_wait();
    }

    // On one core after all, the other thread needs it.
    static void wait_for(const std::atomic<int>& value, int turn) {
        constexpr unsigned kLooksPerYield = 10000;
        for (unsigned look = 1; value.load(std::memory_order_acquire) < turn; ++look) {
            if (look % kLooksPerYield == 0) std::this_thread::yield();
        }
    }

    std::barrier<> start_{2};
    alignas(128) std::atomic<int> ping_{0};  // neighbouring lines are fetched in pairs
    alignas(128) std::atomic<int> pong_{0};
};

}  // namespace

extern "C" {

// How long a cache line takes to another core of this process and back, in nanoseconds. Takes about
// 10 ms.
__attribute__((visibility("default"))) double pf_probe_round_trip_ns() {
    return PingPong().measure();
}

// GFLOP/s that `num_threads` threads together do at most, right now, with the vectors of `isa`.
// About 25 ms, of which the first 20 wake the vector units up and are not counted. 0 if `isa` is no
// instruction set of this CPU.
__attribute__((visibility("default"))) double pf_probe_gflops(const char* isa,
                                                              std::size_t num_threads) {
    const pf::kernels::KernelTable* table = pf::kernels::find_table(isa);
    if (table == nullptr || !pf::kernels::cpu_can_run(*table)) return 0;
    return pf::cli::PeakProbe(*table, num_threads).measure();
}

// Runs `iterations` rounds of multiply-adds on this thread and returns how many operations that
// was; 0 as above.
__attribute__((visibility("default"))) double pf_probe_loop(const char* isa,
                                                            std::size_t iterations) {
    const pf::kernels::KernelTable* table = pf::kernels::find_table(isa);
    if (table == nullptr || !pf::kernels::cpu_can_run(*table)) return 0;
    return table->fma_probe(iterations);
}
}
