// choose_convolution: the rule.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include <doctest/doctest.h>

#include <string>

namespace pf::test {

TEST_CASE("choose_convolution: oneDNN for the image, our own kernel for maps") {
    CHECK(choose_convolution(true) == ConvolutionKernel::onednn);
    CHECK(choose_convolution(false) == ConvolutionKernel::gemm);
    CHECK(std::string(convolution_kernel_name(ConvolutionKernel::gemm)) == "gemm");
    CHECK(std::string(convolution_kernel_name(ConvolutionKernel::onednn)) == "onednn");
}

}  // namespace pf::test
