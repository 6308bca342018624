// Operations: matrices with scales, and the names of operations.
// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/ops.hpp"

#include <iterator>

#include "engine/base/check.hpp"

namespace pf {
namespace {

void multiply_into(Vector& scale, const Vector& factors) {
    if (scale.empty()) {
        scale = factors;
        return;
    }
    for (std::size_t i = 0; i < scale.size(); ++i) scale[i] *= factors[i];
}

// In the order of Op's alternatives.
constexpr const char* kOpNames[] = {
    "input",     "conv2d",     "group_norm", "layer_norm",  "batch_norm", "pool",
    "subtract",  "add",        "scale",      "linear",      "activation", "global_mean",
    "normalise", "norm_stats", "pool_mix",   "channel_mlp", "head",
};
static_assert(std::size(kOpNames) == std::variant_size_v<Op>);

}  // namespace

void Matrix::scale_rows(const Vector& factors) {
    PF_DCHECK(factors.size() == rows);
    multiply_into(row_scale, factors);
}

void Matrix::scale_columns(const Vector& factors) {
    PF_DCHECK(factors.size() == columns);
    multiply_into(column_scale, factors);
}

std::size_t convolved_size(const PatchEmbedding& window, std::size_t size) {
    const std::size_t padded = size + 2 * window.padding;
    if (size == 0 || padded < window.kernel) return 0;
    return (padded - window.kernel) / window.stride + 1;
}

const char* op_name(const Op& op) {
    return kOpNames[op.index()];
}

}  // namespace pf
