// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"

namespace pf {

enum class ConvolutionKernel { onednn, gemm };

const char* convolution_kernel_name(ConvolutionKernel kernel);

// From a fixed table, never from timing: two processes must come to the same bits.
ConvolutionKernel choose_convolution(kernels::Isa isa, std::size_t in_channels);

}  // namespace pf
