// convert_input: an image of 224x224 in the formats that the stem does not read as they are.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/convert_input.hpp"

#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/kernels/measure.hpp"

namespace pf::bench {
namespace {

void run(benchmark::State& state, InputFormat format) {
    constexpr std::size_t kPixels = 224 * 224;
    const Levels levels{};
    std::vector<std::byte> image(3 * kPixels * bytes_per_value(format));
    for (std::size_t i = 0; i < image.size(); ++i)
        image[i] = static_cast<std::byte>(i * 7919 % 251);
    std::vector<float> planes(3 * kPixels);
    const std::size_t bytes = image.size() + sizeof(float) * planes.size();
    const cli::Stopwatch watch;
    for (auto _ : state) {
        convert_input(image.data(), format, levels, kPixels, {0, kPixels}, planes.data());
        benchmark::ClobberMemory();
    }
    set_counters(state, {.bytes = static_cast<double>(bytes)}, watch.elapsed_ms() * 1e-3, 0);
}

}  // namespace

void add_convert_input() {
    benchmark::RegisterBenchmark("convert_input/nhwc_u8", run, InputFormat::nhwc_u8);
    benchmark::RegisterBenchmark("convert_input/nhwc_f32", run, InputFormat::nhwc_f32);
}

}  // namespace pf::bench
