// Packs parameters into the layouts the kernels read. Scales are applied in double, rounded once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "engine/graph/ops.hpp"
#include "kernels/layout.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {

// `to` is zeroed and as large as the layout says.
void pack_vector(const Vector& values, std::span<float> to);
void pack_convolution(const Conv2d& convolution, const kernels::OnednnLayout& layout,
                      std::span<float> to);
void pack_convolution(const Conv2d& convolution, const kernels::GemmConvolutionLayout& layout,
                      std::span<float> to);
void pack_convolution(const Conv2d& convolution, const kernels::WinogradLayout& layout,
                      std::span<float> to);
void pack_mlp(const ChannelMlp& mlp, const kernels::MlpLayout& layout, std::span<float> to);
void pack_linear(const Linear& linear, const kernels::LinearLayout& layout, std::span<float> to);

}  // namespace pf
