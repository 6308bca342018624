// convolution_args: the sizes of a convolution as our own kernels take them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf::test {

// Everything but the memory, which is the caller's to name; all of the result is to be computed.
template <class Layout>
kernels::ConvolutionArgs<Layout> convolution_args(const kernels::ConvolutionShape& shape,
                                                  const Layout& layout) {
    return {.in_height = shape.in_height,
            .in_width = shape.in_width,
            .out_height = shape.out_height(),
            .out_width = shape.out_width(),
            .stride = shape.stride,
            .padding = shape.padding,
            .layout = layout,
            .units = {0, layout.num_units(shape.out_height(), shape.out_width())},
            .panels = {0, layout.num_panels()}};
}

}  // namespace pf::test
