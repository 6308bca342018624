// channel_mlp: the half block that holds nearly all the work, with weights that stream from memory,
// a single tile of it with weights that stay where they are, its products alone, and threads'
// shares of it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"
#include "bench/kernels/shares.hpp"
#include "bench/products/products.hpp"

namespace pf::bench {
namespace {

using kernels::divide_up;
using kernels::round_up;

enum class Weights { streamed, kept };

// One layer and its memory. In place, as in a network.
class Layer {
  public:
    Layer(const kernels::KernelTable& table, std::size_t channels, std::size_t num_pixels)
        : layout_{.channels = channels, .hidden = kMlpRatio * channels, .panel = table.panel},
          map_(random_floats(round_up(channels, table.block) * num_pixels)),
          fc1_bias_(random_floats(layout_.padded_hidden())),
          fc2_bias_(random_floats(layout_.padded_outputs())),
          hidden_(random_floats(layout_.padded_hidden() * num_pixels)),
          scratch_(random_floats(layout_.scratch_floats(num_pixels))),
          partials_(std::max(num_pixels, divide_up(channels, table.block))),  // or one strip
          weights_(layout_.weight_floats()) {
        // With an rstd of 0 each call adds the same to the map. Any other would let it grow
        // exponentially.
        args = {.src = map_.data(),
                .dst = map_.data(),
                .height = 1,
                .width = num_pixels,
                .layout = layout_,
                .weights = weights_.next(),
                .fc1_bias = fc1_bias_.data(),
                .fc2_bias = fc2_bias_.data(),
                .rstd = 0,
                .partials = partials_.data(),
                .pixels = {0, num_pixels},
                .hidden = hidden_.data(),
                .scratch = scratch_.data()};
    }

    void use_next_weights() { args.weights = weights_.next(); }

    Work work() const {
        const std::size_t macs = 2 * layout_.channels * layout_.hidden * args.num_pixels();
        const std::size_t floats = layout_.weight_floats() + 2 * map_.floats().size();
        return {.operations = 2.0 * static_cast<double>(macs),
                .bytes = sizeof(float) * static_cast<double>(floats)};
    }

    kernels::ChannelMlpArgs args;

  private:
    kernels::MlpLayout layout_;
    AlignedBuffer map_, fc1_bias_, fc2_bias_, hidden_, scratch_;
    std::vector<kernels::Partial> partials_;
    StreamedWeights weights_;
};

void run(benchmark::State& state, const kernels::KernelTable& table, std::size_t channels,
         std::size_t num_pixels, Weights kind) {
    Layer layer(table, channels, num_pixels);
    measure(state, table, layer.work(), [&] {
        if (kind == Weights::streamed) layer.use_next_weights();
        table.channel_mlp(layer.args);
    });
}

auto products_of(kernels::Isa isa) {
    switch (isa) {
        case kernels::Isa::sse4_1:
            break;
        case kernels::Isa::avx2:
            return &mlp_products_avx2;
        case kernels::Isa::avx512:
            return &mlp_products_avx512;
    }
    return &mlp_products_sse4_1;
}

void run_products(benchmark::State& state, const kernels::KernelTable& table,
                  const StageShape& shape) {
    Layer layer(table, shape.channels, shape.pixels());
    measure(state, table, {.operations = layer.work().operations},
            [&, multiply = products_of(table.isa)] { multiply(layer.args); });
}

// The largest share of so many threads, whose work counts as a thread's average share.
void run_share(benchmark::State& state, const kernels::KernelTable& table, const StageShape& shape,
               std::size_t num_threads, SharedBy shared_by) {
    Layer layer(table, shape.channels, shape.pixels());
    const kernels::MlpLayout& layout = layer.args.layout;
    layer.args.by_channels = shared_by == SharedBy::channels;
    layer.args.pixels = last_share(shape.pixels(), num_threads);
    layer.args.hidden_groups = last_share(layout.num_hidden_groups(), num_threads);
    layer.args.panels = last_share(layout.num_panels(), num_threads);
    measure(state, table, {.operations = layer.work().operations / num_threads}, [&] {
        layer.use_next_weights();
        if (layer.args.by_channels) {
            table.mlp_hidden(layer.args);
            table.mlp_outputs(layer.args);
        } else {
            table.channel_mlp(layer.args);
        }
    });
}

}  // namespace

void add_channel_mlp(const kernels::KernelTable& table) {
    for_each_stage([&](const StageShape& shape) {
        add_benchmark("channel_mlp", table, shape.name(), [&table, shape](benchmark::State& state) {
            run(state, table, shape.channels, shape.pixels(), Weights::streamed);
        });
    });
    for_each_stage([&](const StageShape& shape) {
        const std::string name = "C" + std::to_string(shape.channels);
        add_benchmark("channel_mlp_tile", table, name, [&table, shape](benchmark::State& state) {
            run(state, table, shape.channels, kernels::max_tile_rows(table.panel), Weights::kept);
        });
    });
    for_each_stage([&](const StageShape& shape) {
        add_benchmark(
            "mlp_products", table, shape.name(),
            [&table, shape](benchmark::State& state) { run_products(state, table, shape); });
    });
    for_each_head([&](const StageShape& shape) {
        add_share_benchmarks(
            "channel_mlp_share", table, shape.name(),
            [&table, shape](benchmark::State& state, std::size_t num_threads, SharedBy shared_by) {
                run_share(state, table, shape, num_threads, shared_by);
            });
    });
}

}  // namespace pf::bench
