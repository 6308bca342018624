// The nodes that passes leave behind, as their formulas in engine/graph/ops.hpp say.
// SPDX-License-Identifier: Apache-2.0
#include "engine/base/check.hpp"
#include "engine/interpret/apply.hpp"

namespace pf {

// x, y: [C, H, W]; scale: [C]
Map apply(const PoolMix& op, const Map& x, const Statistics& stats) {
    PF_DCHECK(op.scale.size() == x.channels);
    Map y = apply(Pool{3}, x);
    for (std::size_t c = 0; c < x.channels; ++c) {
        const double factor = op.scale[c] * stats.rstd;
        const double* from = channel(x, c);
        double* values = channel(y, c);
        for (std::size_t p = 0; p < num_pixels(x); ++p) {
            values[p] = from[p] + factor * (values[p] - from[p]);
        }
    }
    return y;
}

// x, y: [C, H, W]
Map apply(const ChannelMlp& op, const Map& x, const Statistics& stats) {
    const Map hidden = apply(op.fc1, normalise(x, stats));
    return apply(Add{}, x, apply(op.fc2, apply(Activation{op.activation}, hidden)));
}

namespace {

// x: [C, 1, 1], normalised; y: [classes, 1, 1]
Map classify(const HeadOp& op, Map x) {
    for (std::size_t c = 0; c < x.channels; ++c) {
        if (!op.weight.empty()) x.data[c] *= op.weight[c];
        if (!op.bias.empty()) x.data[c] += op.bias[c];
    }
    return apply(op.linear, x);
}

}  // namespace

// x: [C, H, W], y: [classes, 1, 1]
Map apply(const HeadOp& op, const Map& x, const Statistics& stats) {
    PF_DCHECK(op.order == HeadOrder::norm_pool);
    return classify(op, apply(GlobalMean{}, normalise(x, stats)));
}

// x: [C, H, W], y: [classes, 1, 1]
Map apply(const HeadOp& op, const Map& x) {
    PF_DCHECK(op.order == HeadOrder::pool_norm);
    return classify(op, apply(Normalise{op.eps}, apply(GlobalMean{}, x)));
}

}  // namespace pf
