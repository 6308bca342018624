// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pf {

enum class ConvolutionKernel { onednn, gemm };

const char* convolution_kernel_name(ConvolutionKernel kernel);

// A fixed rule, the same on every instruction set, never from timing: two processes must come to
// the same bits.
ConvolutionKernel choose_convolution(bool reads_image);

}  // namespace pf
