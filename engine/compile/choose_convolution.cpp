// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

namespace pf {

const char* convolution_kernel_name(ConvolutionKernel kernel) {
    return kernel == ConvolutionKernel::gemm ? "gemm" : "onednn";
}

ConvolutionKernel choose_convolution(bool reads_image) {
    // oneDNN reads the image as it is, at 88 to 90 % of the FMA peak (EPYC Milan with AVX2,
    // 2026-11-25; EPYC Turin with AVX-512, 2026-11-29). Of maps, our own kernel is the faster one
    // with AVX-512 and on the whole with AVX2, and two to four times closer to the truth with AVX2
    // and SSE4.1: docs/architecture.md, "Patch embeddings".
    return reads_image ? ConvolutionKernel::onednn : ConvolutionKernel::gemm;
}

}  // namespace pf
