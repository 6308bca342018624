// linear: the classifier, limited by how fast its weights come from memory.
// SPDX-License-Identifier: Apache-2.0
#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"

namespace pf::bench {
namespace {

void run(benchmark::State& state, const kernels::KernelTable& table, std::size_t inputs) {
    const kernels::LinearLayout layout{
        .inputs = inputs, .outputs = kNumClasses, .panel = table.panel};
    const AlignedBuffer src = random_floats(inputs);
    const AlignedBuffer bias = random_floats(layout.padded_outputs());
    AlignedBuffer dst = random_floats(layout.outputs);
    StreamedWeights weights(layout.weight_floats());
    kernels::LinearArgs args{.src = src.data(),
                             .layout = layout,
                             .bias = bias.data(),
                             .dst = dst.data(),
                             .panels = {0, layout.num_panels()}};
    const Work work{.operations = 2.0 * static_cast<double>(inputs * kNumClasses),
                    .bytes = sizeof(float) * static_cast<double>(layout.weight_floats())};
    measure(state, table, work, [&] {
        args.weights = weights.next();
        table.linear(args);
    });
}

}  // namespace

void add_linear(const kernels::KernelTable& table) {
    for_each_head([&](const StageShape& shape) {
        const std::string name =
            "C" + std::to_string(shape.channels) + "_N" + std::to_string(kNumClasses);
        add_benchmark("linear", table, name, [&table, shape](benchmark::State& state) {
            run(state, table, shape.channels);
        });
    });
}

}  // namespace pf::bench
