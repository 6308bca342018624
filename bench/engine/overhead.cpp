// overhead: what a run of one thread spends between kernels, on statistics and dispatch.
// SPDX-License-Identifier: Apache-2.0
#include <x86intrin.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/engine/model_run.hpp"
#include "bench/kernels/measure.hpp"
#include "engine/compile/compile.hpp"

namespace pf::bench {
namespace {

using kernels::KernelTable;

std::uint64_t median(std::vector<std::uint64_t>& ticks) {
    const auto middle = ticks.begin() + ticks.size() / 2;
    std::nth_element(ticks.begin(), middle, ticks.end());
    return *middle;
}

// Between two readings of the clock that follow each other. Some pairs read 1.
std::uint64_t clock_ticks() {
    std::vector<std::uint64_t> ticks(1001);
    for (std::uint64_t& tick : ticks) {
        const std::uint64_t before = __rdtsc();
        tick = __rdtsc() - before;
    }
    return median(ticks);
}

// The kernels of a table, each one noting the time stamps around it. Adding up partial sums is no
// kernel here: it serves statistics, as the engine's own code does.
class TimedKernels {
  public:
    // A copy of `table` that calls the original and counts; one at a time.
    static KernelTable wrap(const KernelTable& table) {
        original_ = table;
        KernelTable timed = table;
        replace<&KernelTable::gemm_convolution>(timed.gemm_convolution);
        replace<&KernelTable::winograd_convolution>(timed.winograd_convolution);
        replace<&KernelTable::pool_mix>(timed.pool_mix);
        replace<&KernelTable::map_statistics>(timed.map_statistics);
        replace<&KernelTable::channel_mlp>(timed.channel_mlp);
        replace<&KernelTable::channel_means>(timed.channel_means);
        replace<&KernelTable::linear>(timed.linear);
        return timed;
    }

    // Whether kernels compute, or only write some statistics and leave the caches as they are.
    static void set_compute(bool computes) { computes_ = computes; }

    static void clear() { first_ = inside_ = num_calls_ = 0; }

    // Ticks from the first kernel to now that were spent in none, and not on reading the clock.
    static std::uint64_t outside() {
        return __rdtsc() - first_ - inside_ - num_calls_ * clock_ticks_;
    }

  private:
    // Until it goes, time is a kernel's.
    struct KernelTime {
        std::uint64_t start = __rdtsc();
        KernelTime() {
            if (first_ == 0) first_ = start;
        }
        ~KernelTime() {
            inside_ += __rdtsc() - start;
            ++num_calls_;
        }
    };

    template <auto Kernel, class Result, class Args>
    static Result call(const Args& args) {
        const KernelTime time;
        if (computes_) return (original_.*Kernel)(args);
        write_statistics(args);
        return Result();
    }

    // Such as need no second look. Out of line, to be out of the way of runs that compute.
    template <class Args>
    __attribute__((noinline, cold)) static void write_statistics(const Args& args) {
        if constexpr (requires { args.partials; }) {
            if (args.partials != nullptr) std::fill_n(args.partials, num_partials(args), kSums);
        }
    }
    static std::size_t num_partials(const kernels::ChannelMlpArgs& args) {
        if (!args.by_channels) return args.pixels.size();
        const std::size_t num_blocks = kernels::divide_up(args.layout.channels, original_.block);
        return num_blocks * kernels::num_strips(args.height, args.width);
    }
    static std::size_t num_partials(const auto& args) {
        return args.blocks.size() * kernels::num_strips(args.height, args.width);
    }

    template <auto Kernel, class Result, class Args>
    static void replace(Result (*&kernel)(const Args&)) {
        kernel = &call<Kernel, Result, Args>;
    }

    static constexpr kernels::Partial kSums{.sum = 0, .sum_of_squares = 1};
    static inline KernelTable original_;
    static inline bool computes_;
    static inline std::uint64_t first_;
    static inline std::uint64_t inside_;
    static inline std::uint64_t num_calls_;
    static inline const std::uint64_t clock_ticks_ = clock_ticks();
};

double ticks_per_microsecond() {
    const cli::Stopwatch watch;
    const std::uint64_t before = __rdtsc();
    while (watch.elapsed_ms() < 20) {
    }
    return static_cast<double>(__rdtsc() - before) / (watch.elapsed_ms() * 1e3);
}

double median_us(std::vector<std::uint64_t>& ticks) {
    return static_cast<double>(median(ticks)) / ticks_per_microsecond();
}

// Medians, one thread: an interrupt between two kernels is nobody's overhead. The stem, oneDNN's,
// is what runs before the first kernel.
void measure_overhead(benchmark::State& state, const std::string& folder,
                      const KernelTable& table) {
    const auto loaded = load_model_folder(folder);
    if (!loaded) return state.SkipWithError(loaded.error().message.c_str());
    auto compiled = compile(*loaded, table);
    if (!compiled) return state.SkipWithError(compiled.error().message.c_str());
    const KernelTable timed = TimedKernels::wrap(table);
    compiled->kernels = &timed;
    const auto model = std::make_shared<const Model>(std::move(*compiled));
    ModelRun model_run(state, model, {});
    const auto run = [&](bool computes, std::vector<std::uint64_t>& ticks) {
        TimedKernels::set_compute(computes);
        TimedKernels::clear();
        const bool has_run = model_run.run();
        ticks.push_back(TimedKernels::outside());
        return has_run;
    };
    std::vector<std::uint64_t> ticks;
    for (auto _ : state) {
        if (!run(true, ticks)) return state.SkipWithError("a run failed");
    }
    std::vector<std::uint64_t> warm_ticks;
    constexpr int kWarmRuns = 200;
    for (int i = 0; i < kWarmRuns; ++i) {
        if (!run(false, warm_ticks)) return state.SkipWithError("a run failed");
    }
    state.counters["overhead_us"] = median_us(ticks);
    state.counters["warm_us"] = median_us(warm_ticks);
}

}  // namespace

void add_overhead(const KernelTable& table, const std::string& folder, const std::string& name) {
    add_benchmark("overhead", table, name, [&table, folder](benchmark::State& state) {
        measure_overhead(state, folder, table);
    });
}

}  // namespace pf::bench
