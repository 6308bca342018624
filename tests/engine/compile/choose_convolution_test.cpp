// choose_convolution: the table, and that a compiled model follows it.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include <doctest/doctest.h>

#include <string>

namespace pf::test {

using kernels::Isa;

TEST_CASE("choose_convolution: oneDNN for the image, our own kernel where it was measured faster") {
    for (const Isa isa : {Isa::sse4_1, Isa::avx2, Isa::avx512}) {
        CHECK(choose_convolution(isa, 3) == ConvolutionKernel::onednn);
    }
    CHECK(choose_convolution(Isa::sse4_1, 64) == ConvolutionKernel::gemm);
    CHECK(choose_convolution(Isa::avx2, 64) == ConvolutionKernel::gemm);
    CHECK(choose_convolution(Isa::avx512, 64) == ConvolutionKernel::onednn);
    CHECK(std::string(convolution_kernel_name(ConvolutionKernel::gemm)) == "gemm");
    CHECK(std::string(convolution_kernel_name(ConvolutionKernel::onednn)) == "onednn");
}

}  // namespace pf::test
