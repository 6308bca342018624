// ConvolutionCase: a convolution of integers, which float computes exactly, and its result.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/onednn/convolution.hpp"
#include "kernels/reference/reference.hpp"

namespace pf::test {

struct ConvolutionCase {
    kernels::ConvolutionShape shape;  // out_channels as the network has them
    kernels::reference::Map src;
    kernels::reference::Numbers weights;  // [out][in][kernel][kernel]
    kernels::reference::Numbers bias;
};

// Integers from the hash, -7 to 7.
ConvolutionCase integer_convolution(const kernels::ConvolutionShape& shape);

// By plain loops in double.
kernels::reference::Map convolve(const ConvolutionCase& problem);

}  // namespace pf::test
