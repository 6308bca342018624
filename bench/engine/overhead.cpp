// overhead: what a run of one thread spends between kernels, on statistics and dispatch.
// SPDX-License-Identifier: Apache-2.0
#include <x86intrin.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
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

// What a kernel does when it is called.
enum class Mode {
    compute,
    record,            // compute, and keep the arguments
    write_statistics,  // such as need no second look; and leave the caches as they are
};

// The kernels of a table, each one noting the time stamps around it. Adding up partial sums is no
// kernel here: it serves statistics, as the engine's own code does.
class TimedKernels {
  public:
    // A copy of `table` that calls the original and counts; one at a time.
    static const KernelTable& wrap(const KernelTable& table) {
        original_ = timed_ = table;
        replace<&KernelTable::gemm_convolution>(timed_.gemm_convolution);
        replace<&KernelTable::winograd_convolution>(timed_.winograd_convolution);
        replace<&KernelTable::pool_mix>(timed_.pool_mix);
        replace<&KernelTable::map_statistics>(timed_.map_statistics);
        replace<&KernelTable::channel_mlp>(timed_.channel_mlp);
        replace<&KernelTable::channel_means>(timed_.channel_means);
        replace<&KernelTable::linear>(timed_.linear);
        return timed_;
    }

    static void set_mode(Mode mode) {
        mode_ = mode;
        timed_.add_partials = mode == Mode::record ? &record_sums : original_.add_partials;
        if (mode == Mode::record) calls_.clear();
    }

    static void clear() { first_ = inside_ = num_calls_ = 0; }

    // Ticks from the first kernel to now that were spent in none, and not on reading the clock.
    static std::uint64_t outside() {
        return __rdtsc() - first_ - inside_ - num_calls_ * clock_ticks_;
    }

    // The recorded calls, one right after the other, the next one's arguments being fetched, on
    // what the last run has left in memory. Between them sums are added up, as no engine can do
    // without, but nobody reads them.
    static void replay() {
        for (const Call& call : calls_) {
            const auto* next = reinterpret_cast<const std::byte*>(&call + 1);
            for (std::size_t i = 0; i < sizeof(Call); i += 64) __builtin_prefetch(next + i);
            std::visit([](const auto& recorded) { recorded.repeat(); }, call);
        }
    }

  private:
    template <auto Kernel, class Args>
    struct Recorded {
        Args args;
        void repeat() const { (timed_.*Kernel)(args); }
    };
    struct RecordedSums {
        const kernels::Partial* partials;
        std::size_t count;
        void repeat() const { benchmark::DoNotOptimize(original_.add_partials(partials, count)); }
    };
    using Call =
        std::variant<RecordedSums,
                     Recorded<&KernelTable::gemm_convolution, kernels::GemmConvolutionArgs>,
                     Recorded<&KernelTable::winograd_convolution, kernels::WinogradConvolutionArgs>,
                     Recorded<&KernelTable::pool_mix, kernels::PoolMixArgs>,
                     Recorded<&KernelTable::map_statistics, kernels::MapStatisticsArgs>,
                     Recorded<&KernelTable::channel_mlp, kernels::ChannelMlpArgs>,
                     Recorded<&KernelTable::channel_means, kernels::ChannelMeansArgs>,
                     Recorded<&KernelTable::linear, kernels::LinearArgs>>;

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
        if (mode_ == Mode::compute) return (original_.*Kernel)(args);
        return call_otherwise<Kernel, Result>(args);
    }

    // Out of line, to be out of the way of runs that compute.
    template <auto Kernel, class Result, class Args>
    __attribute__((noinline, cold)) static Result call_otherwise(const Args& args) {
        if (mode_ == Mode::record) {
            calls_.push_back(Recorded<Kernel, Args>{args});
            return (original_.*Kernel)(args);
        }
        if constexpr (requires { args.partials; }) {
            if (args.partials != nullptr) std::fill_n(args.partials, num_partials(args), kSums);
        }
        return Result();
    }
    static kernels::PartialSums record_sums(const kernels::Partial* partials, std::size_t count) {
        calls_.push_back(RecordedSums{partials, count});
        return original_.add_partials(partials, count);
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
    static inline KernelTable timed_;
    static inline std::vector<Call> calls_;
    static inline Mode mode_;
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
    compiled->kernels = &TimedKernels::wrap(table);
    const auto model = std::make_shared<const Model>(std::move(*compiled));
    ModelRun model_run(state, model, {});
    const auto run = [&](Mode mode, std::vector<std::uint64_t>& ticks) {
        TimedKernels::set_mode(mode);
        TimedKernels::clear();
        const bool has_run = model_run.run();
        ticks.push_back(TimedKernels::outside());
        return has_run;
    };
    const auto replay = [](std::vector<std::uint64_t>& ticks) {
        TimedKernels::set_mode(Mode::compute);
        TimedKernels::clear();
        TimedKernels::replay();
        ticks.push_back(TimedKernels::outside());
    };
    TimedKernels::set_mode(Mode::record);
    if (!model_run.run()) return state.SkipWithError("a run failed");
    std::vector<std::uint64_t> ticks;
    for (auto _ : state) {
        if (!run(Mode::compute, ticks)) return state.SkipWithError("a run failed");
    }
    std::vector<std::uint64_t> bare_ticks;
    for (std::size_t i = 0; i < ticks.size(); ++i) replay(bare_ticks);
    std::vector<std::uint64_t> warm_ticks;
    constexpr int kWarmRuns = 200;
    for (int i = 0; i < kWarmRuns; ++i) {
        if (!run(Mode::write_statistics, warm_ticks)) return state.SkipWithError("a run failed");
    }
    state.counters["overhead_us"] = median_us(ticks);
    state.counters["bare_us"] = median_us(bare_ticks);
    state.counters["warm_us"] = median_us(warm_ticks);
}

}  // namespace

void add_overhead(const KernelTable& table, const std::string& folder, const std::string& name) {
    add_benchmark("overhead", table, name, [&table, folder](benchmark::State& state) {
        measure_overhead(state, folder, table);
    });
}

}  // namespace pf::bench
