// What the kernels that convolve blocked maps are tested with, whichever way they do it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/convolution_case.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace pf::test {

// Runs a kernel on a blocked source, its outputs cut into so many parts both by units and by
// panels, and each computed in a call of its own: the blocked result.
using Convolve = std::vector<float> (*)(const kernels::KernelTable& table,
                                        const ConvolutionCase& problem,
                                        const std::vector<float>& blocked_source, std::size_t parts,
                                        GuardedBuffer::Place place);

// Does so with packed weights, its memory between guards, source and result at `place`.
template <class Layout>
std::vector<float> convolve_packed(void (*kernel)(const kernels::ConvolutionArgs<Layout>&),
                                   const Layout& layout, const std::vector<float>& packed,
                                   std::size_t block, const ConvolutionCase& problem,
                                   const std::vector<float>& blocked_source, std::size_t parts,
                                   GuardedBuffer::Place place);

// Against plain loops, on every instruction set, in one to nine calls.
void check_convolution(Convolve convolve_blocked, const kernels::ConvolutionShape& shape,
                       GuardedBuffer::Place place = GuardedBuffer::Place::at_end);

// NaN and infinity reach the 3x3 windows they lie in, every 2 pixels, and nothing else.
void check_reach_of_non_finite(Convolve convolve_blocked);

}  // namespace pf::test
