// Packs parameters into the layouts the kernels read.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/pack_weights.hpp"

#include "engine/base/check.hpp"
#include "kernels/onednn/convolution.hpp"

namespace pf {
namespace {

using kernels::Range;

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

}  // namespace

void pack_vector(const Vector& values, std::span<float> to) {
    PF_DCHECK(values.size() <= to.size());
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<float>(values[i]);
}

void pack_convolution(const Conv2d& convolution, std::size_t block, std::span<float> to) {
    const std::size_t kernel = convolution.window.kernel;
    for (std::size_t out = 0; out < convolution.weight.rows; ++out) {
        std::size_t column = 0;
        for (std::size_t in = 0; in < convolution.in_channels; ++in) {
            for (std::size_t y = 0; y < kernel; ++y) {
                for (std::size_t x = 0; x < kernel; ++x, ++column) {
                    const std::size_t index = kernels::packed_conv_weight_index(
                        convolution.in_channels, kernel, block, out, in, y, x);
                    to[index] = static_cast<float>(convolution.weight.at(out, column));
                }
            }
        }
    }
}

void pack_mlp(const ChannelMlp& mlp, const kernels::MlpLayout& layout, std::span<float> to) {
    float* next = to.data();
    for (std::size_t chunk = 0; chunk < layout.num_chunks(); ++chunk) {
        const Range hidden = layout.chunk(chunk);
        for (std::size_t h = hidden.begin; h < hidden.end; h += layout.panel) {
            next = pack_panel(mlp.fc1.weight, h, layout.panel, {0, layout.depth()}, next);
        }
        for (std::size_t c = 0; c < layout.outputs(); c += layout.panel) {
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
