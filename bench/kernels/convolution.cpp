// Patch embeddings: the stem and the three downsampling convolutions, by each kernel that can.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/onednn/convolution.hpp"

#include <array>

#include "bench/kernels/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "bench/kernels/shapes.hpp"
#include "bench/kernels/shares.hpp"
#include "tests/support/convolution_args.hpp"

namespace pf::bench {
namespace {

using kernels::Convolution;
using kernels::ConvolutionShape;

constexpr std::size_t kImageSide = 224;

ConvolutionShape embedding(const Family& family, std::size_t stage, std::size_t block) {
    const std::size_t out_channels = kernels::round_up(family.channels[stage], block);
    if (stage == 0) return {3, kImageSide, kImageSide, out_channels, 7, 4, 2, block};
    const StageShape before = stage_shape(family, stage - 1);
    return {before.channels, before.side, before.side, out_channels, 3, 2, 1, block};
}

// Of the model in models/, whose image has 32x32 pixels.
std::array<ConvolutionShape, 3> small_embeddings(std::size_t block) {
    return {{{64, 16, 16, 128, 5, 2, 2, block},
             {128, 8, 8, 192, 3, 1, 1, block},
             {192, 8, 8, 256, 3, 2, 1, block}}};
}

std::string shape_name(const ConvolutionShape& shape) {
    return "k" + std::to_string(shape.kernel) + "s" + std::to_string(shape.stride) + "_C" +
           std::to_string(shape.in_channels) + "_O" + std::to_string(shape.out_channels) + "_HW" +
           std::to_string(shape.out_height() * shape.out_width());
}

// Taps on the padding count too, as in every other count of this repository.
double operations(const ConvolutionShape& shape) {
    return 2.0 * static_cast<double>(shape.in_channels * shape.kernel * shape.kernel *
                                     shape.out_channels * shape.out_height() * shape.out_width());
}

std::size_t source_floats(const ConvolutionShape& shape) {
    const std::size_t channels = shape.has_planar_source()
                                     ? shape.in_channels
                                     : kernels::round_up(shape.in_channels, shape.block);
    return channels * shape.in_height * shape.in_width;
}

std::size_t result_floats(const ConvolutionShape& shape) {
    return shape.out_channels * shape.out_height() * shape.out_width();
}

Work work_of(const ConvolutionShape& shape, std::size_t weight_floats) {
    const std::size_t floats = source_floats(shape) + weight_floats + result_floats(shape);
    return {.operations = operations(shape), .bytes = sizeof(float) * static_cast<double>(floats)};
}

void run_onednn(benchmark::State& state, const kernels::KernelTable& table,
                const ConvolutionShape& shape) {
    std::string error;
    const auto convolution = Convolution::create(shape, table.isa, error);
    if (convolution == nullptr) {
        state.SkipWithError(error.c_str());
        return;
    }
    const AlignedBuffer src = random_floats(source_floats(shape));
    const AlignedBuffer bias = random_floats(shape.out_channels);
    AlignedBuffer dst = random_floats(result_floats(shape));
    AlignedBuffer scratch = random_floats(convolution->scratch_bytes() / sizeof(float));
    const kernels::OnednnLayout layout{shape.in_channels, shape.out_channels, shape.kernel,
                                       shape.block};
    const std::size_t weight_floats = layout.weight_floats();
    StreamedWeights weights(weight_floats);
    bool is_done = true;
    measure(state, table, work_of(shape, weight_floats), [&] {
        is_done &= convolution->execute(src.data(), weights.next(), bias.data(), dst.data(),
                                        reinterpret_cast<std::byte*>(scratch.data())) ==
                   kernels::Execution::done;
    });
    state.SetLabel(convolution->implementation());
    if (!is_done) state.SkipWithError("oneDNN failed to execute the convolution");
}

// A convolution by one of our own kernels, and its memory.
template <class Layout>
class OwnConvolution {
  public:
    using Args = kernels::ConvolutionArgs<Layout>;
    using Kernel = void (*)(const Args&);

    OwnConvolution(const ConvolutionShape& shape, const Layout& layout, Kernel kernel)
        : args(test::convolution_args(shape, layout)),
          src_(random_floats(source_floats(shape))),
          bias_(random_floats(layout.padded_outputs())),
          dst_(random_floats(result_floats(shape))),
          scratch_(random_floats(layout.scratch_floats(args.units.size()))),
          weights_(layout.weight_floats()),
          kernel_(kernel) {
        args.src = src_.data();
        args.dst = dst_.data();
        args.bias = bias_.data();
        args.scratch = scratch_.data();
    }

    // With weights that no call before has used for long.
    void run() {
        args.weights = weights_.next();
        kernel_(args);
    }

    Args args;

  private:
    AlignedBuffer src_, bias_, dst_, scratch_;
    StreamedWeights weights_;
    Kernel kernel_;
};

OwnConvolution<kernels::GemmConvolutionLayout> gemm(const kernels::KernelTable& table,
                                                    const ConvolutionShape& shape) {
    return {shape,
            {shape.in_channels, shape.out_channels, shape.kernel, table.panel},
            table.gemm_convolution};
}

OwnConvolution<kernels::WinogradLayout> winograd(const kernels::KernelTable& table,
                                                 const ConvolutionShape& shape) {
    return {
        shape, {shape.in_channels, shape.out_channels, table.panel}, table.winograd_convolution};
}

template <class Layout>
void run_own(benchmark::State& state, const kernels::KernelTable& table,
             const ConvolutionShape& shape, OwnConvolution<Layout> convolution) {
    measure(state, table, work_of(shape, convolution.args.layout.weight_floats()),
            [&] { convolution.run(); });
}

// The largest share of so many threads, whose work counts as a thread's average share.
template <class Layout>
void run_share(benchmark::State& state, const kernels::KernelTable& table,
               const ConvolutionShape& shape, OwnConvolution<Layout> convolution,
               std::size_t num_threads, SharedBy shared_by) {
    if (shared_by == SharedBy::pixels) {
        convolution.args.units = last_share(convolution.args.units.size(), num_threads);
    } else {
        convolution.args.panels = last_share(convolution.args.panels.size(), num_threads);
    }
    measure(state, table, {.operations = operations(shape) / num_threads},
            [&] { convolution.run(); });
}

// By each kernel that can.
void add_kernels(const kernels::KernelTable& table, const ConvolutionShape& shape) {
    add_benchmark("onednn_convolution", table, shape_name(shape),
                  [&table, shape](benchmark::State& state) { run_onednn(state, table, shape); });
    if (shape.has_planar_source()) return;
    add_benchmark("gemm_convolution", table, shape_name(shape),
                  [&table, shape](benchmark::State& state) {
                      run_own(state, table, shape, gemm(table, shape));
                  });
    if (shape.kernel != 3 || shape.stride != 2) return;
    add_benchmark("winograd_convolution", table, shape_name(shape),
                  [&table, shape](benchmark::State& state) {
                      run_own(state, table, shape, winograd(table, shape));
                  });
}

// Of the kernels that run them in the five models.
void add_shares(const kernels::KernelTable& table, const ConvolutionShape& third,
                const ConvolutionShape& fourth) {
    add_share_benchmarks(
        "winograd_convolution_share", table, shape_name(third),
        [&table, third](benchmark::State& state, std::size_t num_threads, SharedBy shared_by) {
            run_share(state, table, third, winograd(table, third), num_threads, shared_by);
        });
    add_share_benchmarks(
        "gemm_convolution_share", table, shape_name(fourth),
        [&table, fourth](benchmark::State& state, std::size_t num_threads, SharedBy shared_by) {
            run_share(state, table, fourth, gemm(table, fourth), num_threads, shared_by);
        });
}

}  // namespace

void add_convolutions(const kernels::KernelTable& table) {
    for (const Family& family : kFamilies) {
        for (std::size_t stage = 0; stage < kNumStages; ++stage) {
            add_kernels(table, embedding(family, stage, table.block));
        }
        add_shares(table, embedding(family, 2, table.block), embedding(family, 3, table.block));
    }
    for (const ConvolutionShape& shape : small_embeddings(table.block)) add_kernels(table, shape);
}

}  // namespace pf::bench
