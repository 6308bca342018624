// Packs parameters into the layouts the kernels read.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/pack_weights.hpp"

#include <algorithm>

#include "engine/base/check.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {
namespace {

using kernels::Range;
using kernels::WinogradLayout;

// One panel of a matrix: rows [first_row, first_row + panel), columns `columns`, as
// [column][panel]. Rows and columns beyond the matrix stay zero. Returns where the panel ends.
float* pack_panel(const Matrix& matrix, std::size_t first_row, std::size_t panel, Range columns,
                  float* to) {
    for (std::size_t column = columns.begin; column < columns.end; ++column, to += panel) {
        if (column >= matrix.columns) continue;
        for (std::size_t i = 0; i < panel && first_row + i < matrix.rows; ++i) {
            to[i] = static_cast<float>(matrix.at(first_row + i, column));
        }
    }
    return to;
}

// One depth group of a convolution's panel: 16 input channels of one tap, as [channel][panel].
float* pack_group(const Conv2d& convolution, const kernels::GemmConvolutionLayout& layout,
                  std::size_t first_out, std::size_t group, float* to) {
    const std::size_t tap = group % layout.taps();
    const std::size_t first_in = group / layout.taps() * kernels::kDepthGroup;
    for (std::size_t in = first_in; in < first_in + kernels::kDepthGroup; ++in) {
        if (in < layout.in_channels) {
            const std::size_t column = in * layout.taps() + tap;
            pack_panel(convolution.weight, first_out, layout.panel, {column, column + 1}, to);
        }
        to += layout.panel;
    }
    return to;
}

// Which rows (or columns) of the kernel a plane is multiplied with, added up.
constexpr std::size_t kMaxTaps = 2;
constexpr std::size_t kNumTaps[WinogradLayout::kPlaneSide] = {1, 1, 2, 1, 1};
constexpr std::size_t kTaps[WinogradLayout::kPlaneSide][kMaxTaps] = {{0}, {1}, {0, 2}, {2}, {1}};

// The weight of input channel `in` in one plane.
double winograd_weight(const Conv2d& convolution, std::size_t out, std::size_t in,
                       std::size_t plane_y, std::size_t plane_x) {
    double sum = 0;
    for (std::size_t y = 0; y < kNumTaps[plane_y]; ++y) {
        for (std::size_t x = 0; x < kNumTaps[plane_x]; ++x) {
            const std::size_t tap = kTaps[plane_y][y] * 3 + kTaps[plane_x][x];
            sum += convolution.weight.at(out, in * 9 + tap);
        }
    }
    return sum;
}

// One plane of a panel: [depth group][channel][panel]. Returns where it ends.
float* pack_plane(const Conv2d& convolution, const WinogradLayout& layout, std::size_t first_out,
                  std::size_t plane_y, std::size_t plane_x, float* to) {
    const std::size_t num_outs = std::min(layout.panel, layout.out_channels - first_out);
    for (std::size_t in = 0; in < layout.in_channels; ++in) {
        for (std::size_t i = 0; i < num_outs; ++i) {
            to[in * layout.panel + i] = static_cast<float>(
                winograd_weight(convolution, first_out + i, in, plane_y, plane_x));
        }
    }
    return to + layout.groups_of_plane() * kernels::kDepthGroup * layout.panel;
}

}  // namespace

void pack_vector(const Vector& values, std::span<float> to) {
    PF_DCHECK(values.size() <= to.size());
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<float>(values[i]);
}

void pack_convolution(const Conv2d& convolution, const kernels::OnednnLayout& layout,
                      std::span<float> to) {
    const std::size_t kernel = convolution.window.kernel;
    for (std::size_t out = 0; out < convolution.weight.rows; ++out) {
        std::size_t column = 0;
        for (std::size_t in = 0; in < convolution.in_channels; ++in) {
            for (std::size_t y = 0; y < kernel; ++y) {
                for (std::size_t x = 0; x < kernel; ++x, ++column) {
                    to[layout.weight_index(out, in, y, x)] =
                        static_cast<float>(convolution.weight.at(out, column));
                }
            }
        }
    }
}

void pack_convolution(const Conv2d& convolution, const kernels::GemmConvolutionLayout& layout,
                      std::span<float> to) {
    float* next = to.data();
    for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
        const Range groups = layout.chunk(chunk);
        for (std::size_t out = 0; out < layout.padded_outputs(); out += layout.panel) {
            for (std::size_t group = groups.begin; group < groups.end; ++group) {
                next = pack_group(convolution, layout, out, group, next);
            }
        }
    }
    PF_DCHECK(next == to.data() + to.size());
}

void pack_convolution(const Conv2d& convolution, const WinogradLayout& layout,
                      std::span<float> to) {
    PF_DCHECK(convolution.window.kernel == 3 && convolution.window.stride == 2);
    float* next = to.data();
    for (std::size_t out = 0; out < layout.padded_outputs(); out += layout.panel) {
        for (std::size_t term = 0; term < WinogradLayout::kTerms; ++term) {
            const Range rows = WinogradLayout::planes_of_term(term / WinogradLayout::kTermSide);
            const Range columns = WinogradLayout::planes_of_term(term % WinogradLayout::kTermSide);
            for (std::size_t y = rows.begin; y < rows.end; ++y) {
                for (std::size_t x = columns.begin; x < columns.end; ++x) {
                    next = pack_plane(convolution, layout, out, y, x, next);
                }
            }
        }
    }
    PF_DCHECK(next == to.data() + to.size());
}

void pack_mlp(const ChannelMlp& mlp, const kernels::MlpLayout& layout, std::span<float> to) {
    float* next = to.data();
    for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
        const Range hidden = layout.chunk(chunk);
        for (std::size_t h = hidden.begin; h < hidden.end; h += layout.panel) {
            next = pack_panel(mlp.fc1.weight, h, layout.panel, {0, layout.depth()}, next);
        }
        for (std::size_t c = 0; c < layout.padded_outputs(); c += layout.panel) {
            next = pack_panel(mlp.fc2.weight, c, layout.panel, hidden, next);
        }
    }
    PF_DCHECK(next == to.data() + to.size());
}

void pack_linear(const Linear& linear, const kernels::LinearLayout& layout, std::span<float> to) {
    float* next = to.data();
    for (std::size_t panel = 0; panel < layout.num_panels(); ++panel) {
        next =
            pack_panel(linear.weight, panel * layout.panel, layout.panel, {0, layout.inputs}, next);
    }
    PF_DCHECK(next == to.data() + to.size());
}

}  // namespace pf
