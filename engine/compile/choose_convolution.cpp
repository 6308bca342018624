// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include "kernels/onednn/convolution.hpp"

namespace pf {

const char* convolution_kernel_name(ConvolutionKernel kernel) {
    return kernel == ConvolutionKernel::gemm ? "gemm" : "onednn";
}

ConvolutionKernel choose_convolution(std::size_t in_channels) {
    // oneDNN reads the image as it is, at 88 % of the FMA peak or more (EPYC Milan and Turin). The
    // measurements for the others stand in docs/architecture.md, "Patch embeddings".
    return kernels::ConvolutionShape::is_planar(in_channels) ? ConvolutionKernel::onednn
                                                             : ConvolutionKernel::gemm;
}

}  // namespace pf
