// The kernels' contract: arguments of each kernel, and the table of one instruction set's kernels.
// SPDX-License-Identifier: Apache-2.0
//
// Maps are blocked (kernels/layout.hpp) and hold one image; `pixels` = height * width. Pointers
// need only a float's alignment, unless their comments say otherwise; 64 bytes' is faster.
// Padded channels of a source must be zero and are zero in the result. Kernels allocate nothing,
// throw nothing and touch only what their arguments name, so threads may run them side by side on
// disjoint ranges. NaN and infinity propagate, but gelu(-infinity) is 0, its limit, and
// winograd_convolution makes NaN of some infinities.
//
// Statistics are those of (value - shift): the producer of a map writes one Partial per fixed unit,
// whoever computes it, so that adding the partials in a fixed order always gives the same bits.
#pragma once

#include <cstddef>

#include "kernels/layout.hpp"

namespace pf::kernels {

enum class Isa { sse4_1, avx2, avx512 };

// Sum and sum of squares of (value - shift) over one unit.
struct Partial {
    float sum = 0;
    float sum_of_squares = 0;
};

// The same in double, over many values.
struct PartialSums {
    double sum = 0;
    double sum_of_squares = 0;
};

// dst = convolution of src, plus bias: a patch embedding. Windows start every `stride` pixels,
// `padding` pixels outside the map, where it counts as zero. dst must not overlap src.
template <class Layout>
struct ConvolutionArgs {
    const float* src = nullptr;
    float* dst = nullptr;
    std::size_t in_height = 0;
    std::size_t in_width = 0;
    std::size_t out_height = 0;
    std::size_t out_width = 0;
    std::size_t stride = 0;
    std::size_t padding = 0;
    Layout layout;
    const float* weights = nullptr;  // packed as the layout says, 64-byte aligned
    const float* bias = nullptr;     // [outputs], 64-byte aligned
    Range units;                     // the part of dst to compute, of layout.num_units()
    Range panels;                    // and the panels of outputs
    float* scratch = nullptr;        // [layout.scratch_floats(units.size())], 64-byte aligned
};
// As a matrix product; a unit is a pixel.
using GemmConvolutionArgs = ConvolutionArgs<GemmConvolutionLayout>;
// 3x3 windows and stride 2 only; a unit is a quad.
using WinogradConvolutionArgs = ConvolutionArgs<WinogradLayout>;

// Token mixing of one half block (paper section 3.1; GroupNorm's mean and bias cancel):
//     dst = src + scale[c] * rstd * (avg3x3(src) - src)
// avg3x3 averages the pixels of the window that lie inside the map (count_include_pad=False).
// dst may be src. Unit of the partials: one strip of one channel block.
struct PoolMixArgs {
    const float* src = nullptr;
    float* dst = nullptr;
    const float* scale = nullptr;  // [channels padded to the block]
    float rstd = 1;
    std::size_t height = 0;
    std::size_t width = 0;
    std::size_t channels = 0;
    float shift = 0;
    Partial* partials = nullptr;  // [channel blocks][num_strips(height, width)], or null
    Range blocks;                 // the channel blocks to compute
    float* scratch = nullptr;     // [width][block]: a row
};

// Partials of a map as it stands; units as pool_mix.
struct MapStatisticsArgs {
    const float* src = nullptr;
    std::size_t height = 0;
    std::size_t width = 0;
    std::size_t channels = 0;
    float shift = 0;
    Partial* partials = nullptr;  // [channel blocks][num_strips(height, width)]
    Range blocks;
};

// The other half block: dst = src + fc2(gelu(fc1((src - mean) * rstd))), a 1x1 MLP at every pixel.
// dst may be src.
//
// Threads share it by pixels: channel_mlp computes `pixels`, and the unit of the partials is one
// pixel. With a few pixels each they would all read all the weights for them. So it can be shared
// `by_channels`: mlp_hidden computes `hidden_groups` of all pixels, and after it has done so on all
// threads, mlp_outputs computes `panels`. The unit of the partials is one strip of one channel
// block, as of pool_mix. One thread alone may then use channel_mlp on all pixels, with the same
// bits.
struct ChannelMlpArgs {
    const float* src = nullptr;
    float* dst = nullptr;
    std::size_t height = 0;
    std::size_t width = 0;
    MlpLayout layout;
    const float* weights = nullptr;   // packed as MlpLayout says, 64-byte aligned
    const float* fc1_bias = nullptr;  // [padded_hidden], 64-byte aligned
    const float* fc2_bias = nullptr;  // [outputs], 64-byte aligned
    float mean = 0;
    float rstd = 1;
    float shift = 0;
    bool by_channels = false;
    Partial* partials = nullptr;  // [units], or null
    Range pixels = {};            // of num_pixels()
    Range hidden_groups = {};     // of layout.num_hidden_groups()
    Range panels = {};            // of layout.num_panels()
    float* hidden = nullptr;      // [layout.padded_hidden()][num_pixels()], which threads share
    float* scratch = nullptr;     // [layout.scratch_floats(pixels computed)]; both 64-byte aligned

    std::size_t num_pixels() const { return height * width; }
};

// dst[c] = mean over the pixels of (src[c] - shift). The sums returned are those of dst.
struct ChannelMeansArgs {
    const float* src = nullptr;
    std::size_t num_pixels = 0;
    std::size_t channels = 0;
    float shift = 0;
    float* dst = nullptr;  // [channels padded to the block]
};

// dst = weights * src + bias: the classifier.
struct LinearArgs {
    const float* src = nullptr;  // [layout.inputs]
    LinearLayout layout;
    const float* weights = nullptr;  // packed as LinearLayout says, 64-byte aligned
    const float* bias = nullptr;     // [num_panels * panel], 64-byte aligned
    float* dst = nullptr;            // [layout.outputs], at any address
    Range panels;                    // the panels to compute
};

// One instruction set's kernels and the sizes they are made for.
struct KernelTable {
    Isa isa;
    const char* name;   // "avx2"
    std::size_t block;  // channels in a block of a map
    std::size_t panel;  // outputs in a panel of packed weights

    void (*gemm_convolution)(const GemmConvolutionArgs& args);
    void (*winograd_convolution)(const WinogradConvolutionArgs& args);
    void (*pool_mix)(const PoolMixArgs& args);
    void (*map_statistics)(const MapStatisticsArgs& args);
    void (*channel_mlp)(const ChannelMlpArgs& args);
    void (*mlp_hidden)(const ChannelMlpArgs& args);
    void (*mlp_outputs)(const ChannelMlpArgs& args);
    PartialSums (*channel_means)(const ChannelMeansArgs& args);
    void (*linear)(const LinearArgs& args);

    // Always in the same order.
    PartialSums (*add_partials)(const Partial* partials, std::size_t count);

    // Runs `iterations` rounds of independent multiply-adds in registers and returns how many
    // floating-point operations that was: timed by the caller, it is the core's peak.
    double (*fma_probe)(std::size_t iterations);
};

}  // namespace pf::kernels
