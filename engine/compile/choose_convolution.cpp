// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include "engine/graph/ops.hpp"
#include "kernels/layout.hpp"

namespace pf {
namespace {

// From here on winograd_convolution takes 0.68 to 0.74 times as long as gemm_convolution where the
// map has even sides. With 16 quads, as in the last patch embedding at 224x224, whose 7x7 pixels
// leave a quarter of theirs outside, it ties (all sets, EPYC Turin, 2026-11-30), and its weights,
// 25/9 as many, would be 10 MB more in S12.
constexpr std::size_t kFewestQuads = 25;

// Of the stage's map of an image of the description's size.
std::size_t num_quads(const Description& description, std::size_t stage) {
    std::size_t height = description.input.height;
    std::size_t width = description.input.width;
    for (std::size_t i = 0; i <= stage; ++i) {
        height = convolved_size(description.patch_embeddings[i], height);
        width = convolved_size(description.patch_embeddings[i], width);
    }
    return kernels::WinogradLayout::num_units(height, width);
}

}  // namespace

const char* convolution_kernel_name(ConvolutionKernel kernel) {
    switch (kernel) {
        case ConvolutionKernel::onednn:
            return "onednn";
        case ConvolutionKernel::gemm:
            return "gemm";
        case ConvolutionKernel::winograd:
            return "winograd";
    }
    return "unknown";
}

ConvolutionKernel choose_convolution(const Description& description, std::size_t stage) {
    // oneDNN reads the image as it is, at 88 to 90 % of the FMA peak (EPYC Milan with AVX2,
    // 2026-11-25; EPYC Turin with AVX-512, 2026-11-29). Of maps, our own kernels are the faster
    // ones with AVX-512 and on the whole with AVX2, and closer to the truth with AVX2 and SSE4.1:
    // docs/architecture.md, "Patch embeddings".
    if (stage == 0) return ConvolutionKernel::onednn;
    const PatchEmbedding& window = description.patch_embeddings[stage];
    const bool fits = window.kernel == 3 && window.stride == 2;
    return fits && num_quads(description, stage) >= kFewestQuads ? ConvolutionKernel::winograd
                                                                 : ConvolutionKernel::gemm;
}

}  // namespace pf
