// channel_mlp as plain loops. src, dst: [channels][pixels]; fc1: [hidden][channels]; fc2:
// [channels][hidden].
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/reference/reference.hpp"

namespace pf::kernels::reference {

double gelu(double x) {
    // erfc keeps the digits of a tail that 1 + erf would lose.
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

Map channel_mlp(const Map& src, const MlpWeights& weights, double mean, double rstd) {
    Map dst = src;
    for (std::size_t pixel = 0; pixel < src.pixels(); ++pixel) {
        Numbers input(src.channels);
        for (std::size_t c = 0; c < src.channels; ++c) {
            input[c] = (src.at(c, pixel) - mean) * rstd;
        }
        Numbers hidden = linear(input, weights.fc1, weights.fc1_bias);
        for (double& value : hidden) value = gelu(value);
        const Numbers output = linear(hidden, weights.fc2, weights.fc2_bias);
        for (std::size_t c = 0; c < src.channels; ++c) {
            dst.values[c * src.pixels() + pixel] += output[c];
        }
    }
    return dst;
}

}  // namespace pf::kernels::reference
