// channel_means and linear as plain loops. src: [channels][pixels] or [inputs]; matrix:
// [outputs][inputs].
// SPDX-License-Identifier: Apache-2.0
#include "kernels/reference/reference.hpp"

namespace pf::kernels::reference {

Numbers channel_means(const Map& src, double shift) {
    Numbers means(src.channels);
    for (std::size_t c = 0; c < src.channels; ++c) {
        double sum = 0;
        for (std::size_t pixel = 0; pixel < src.pixels(); ++pixel) sum += src.at(c, pixel) - shift;
        means[c] = sum / static_cast<double>(src.pixels());
    }
    return means;
}

Numbers linear(const Numbers& src, const Numbers& matrix, const Numbers& bias) {
    Numbers dst = bias;
    for (std::size_t out = 0; out < dst.size(); ++out) {
        for (std::size_t in = 0; in < src.size(); ++in) {
            dst[out] += matrix[out * src.size() + in] * src[in];
        }
    }
    return dst;
}

}  // namespace pf::kernels::reference
