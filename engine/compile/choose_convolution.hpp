// choose_convolution: which kernel runs a patch embedding.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/load/description.hpp"

namespace pf {

enum class ConvolutionKernel { onednn, gemm, winograd };

const char* convolution_kernel_name(ConvolutionKernel kernel);

// A fixed rule, the same on every instruction set, never from timing: two processes must come to
// the same bits. It goes by the description's input size, whatever size sessions have.
ConvolutionKernel choose_convolution(const Description& description, std::size_t stage);

}  // namespace pf
