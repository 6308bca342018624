// The head: means of each channel over the pixels, and the classifier's matrix times a vector.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/simd/gemm_tile.hpp"

namespace pf::kernels::simd {

template <class Arch, std::size_t Block>
struct ChannelMeans {
    static PartialSums run(const ChannelMeansArgs& args) {
        Doubles<Arch> total(0.0);
        Doubles<Arch> total_of_squares(0.0);
        const Vec<Arch> reciprocal(1.0f / static_cast<float>(args.num_pixels));
        for (std::size_t c = 0; c < round_up(args.channels, Block); c += kLanes<Arch>) {
            const float* from = args.src + c / Block * args.num_pixels * Block + c % Block;
            const Vec<Arch> shift = masked_shift<Arch>(args.shift, c, args.channels);
            Vec<Arch> sum(0.0f);
            for (std::size_t p = 0; p < args.num_pixels; ++p) {
                sum += load<Arch>(from + p * Block) - shift;
            }
            store<Arch>(args.dst + c, sum * reciprocal);
            for (std::size_t half = 0; half < 2; ++half) {
                const auto means = widen<Arch>(args.dst + c + half * Doubles<Arch>::size);
                total += means;
                total_of_squares += means * means;
            }
        }
        return {sum_lanes<Arch>(total), sum_lanes<Arch>(total_of_squares)};
    }
};

// One panel at a time, each weight read once. The depth is summed in segments of four short chains:
// one chain over all of it would round several times further from the truth, and wait for itself.
template <class Arch>
class Linear {
  public:
    static void run(const LinearArgs& args) {
        for (std::size_t p = args.panels.begin; p < args.panels.end; ++p) multiply(args, p);
    }

  private:
    static constexpr std::size_t kChains = 4;
    static constexpr std::size_t kSegment = 64;
    using Chains = Accumulators<Arch, kChains>;

    static void multiply(const LinearArgs& args, std::size_t panel) {
        const std::size_t inputs = args.layout.inputs;
        const float* weights = args.weights + panel * inputs * kPanel<Arch>;
        const float* bias = args.bias + panel * kPanel<Arch>;
        Vec<Arch> first = load<Arch>(bias);
        Vec<Arch> second = load<Arch>(bias + kLanes<Arch>);
        for (std::size_t k = 0; k < inputs; k += kSegment) {
            const std::size_t length = std::min(kSegment, inputs - k);
            const Chains chains = sum_segment(args.src + k, weights + k * kPanel<Arch>, length);
            first += total(chains, 0);
            second += total(chains, 1);
        }
        alignas(64) float outputs[kPanel<Arch>];
        store<Arch>(outputs, first);
        store<Arch>(outputs + kLanes<Arch>, second);
        // The last panel may be padded beyond dst.
        const std::size_t begin = panel * kPanel<Arch>;
        const std::size_t count = std::min(kPanel<Arch>, args.layout.outputs - begin);
        std::memcpy(args.dst + begin, outputs, count * sizeof(float));
    }

    PF_INLINE static Chains sum_segment(const float* src, const float* weights,
                                        std::size_t length) {
        Chains chains;
        chains.clear();
        std::size_t k = 0;
        for (; k + kChains <= length; k += kChains) {
            unroll<kChains>([&](auto chain) PF_LAMBDA_INLINE {
                add_product(chains.sums[chain.value], src[k + chain.value],
                            weights + (k + chain.value) * kPanel<Arch>);
            });
        }
        for (; k < length; ++k) add_product(chains.sums[0], src[k], weights + k * kPanel<Arch>);
        return chains;
    }

    PF_INLINE static void add_product(Vec<Arch> (&sums)[kPanelVectors], float value,
                                      const float* row) {
        const Vec<Arch> factor(value);
        sums[0] = multiply_add<Arch>(factor, load<Arch>(row), sums[0]);
        sums[1] = multiply_add<Arch>(factor, load<Arch>(row + kLanes<Arch>), sums[1]);
    }

    PF_INLINE static Vec<Arch> total(const Chains& chains, std::size_t vector) {
        return (chains.sums[0][vector] + chains.sums[1][vector]) +
               (chains.sums[2][vector] + chains.sums[3][vector]);
    }
};

}  // namespace pf::kernels::simd
