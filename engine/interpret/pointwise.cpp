// Operations that look at one element at a time: add, subtract, scale, activation.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "engine/base/check.hpp"
#include "engine/interpret/apply.hpp"

namespace pf {
namespace {

double gelu(double x) {
    return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
}
double relu(double x) {
    return x < 0 ? 0 : x;
}  // a NaN stays one
double silu(double x) {
    return x / (1.0 + std::exp(-x));
}

Map map_elements(const Map& x, double (*function)(double)) {
    Map y = x;
    for (double& value : y.data) value = function(value);
    return y;
}

}  // namespace

// a, b, y: [C, H, W]
Map apply(const Add&, const Map& a, const Map& b) {
    PF_DCHECK(a.data.size() == b.data.size());
    Map y = a;
    for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] += b.data[i];
    return y;
}

// a, b, y: [C, H, W]
Map apply(const Subtract&, const Map& a, const Map& b) {
    PF_DCHECK(a.data.size() == b.data.size());
    Map y = a;
    for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] -= b.data[i];
    return y;
}

// x, y: [C, H, W]; factor: [C]
Map apply(const Scale& op, const Map& x) {
    PF_DCHECK(op.factor.size() == x.channels);
    Map y = x;
    for (std::size_t c = 0; c < x.channels; ++c) {
        double* values = channel(y, c);
        for (std::size_t p = 0; p < num_pixels(x); ++p) values[p] *= op.factor[c];
    }
    return y;
}

// x, y: [C, H, W]
Map apply(const Activation& op, const Map& x) {
    switch (op.kind) {
        case ActivationKind::gelu:
            return map_elements(x, gelu);
        case ActivationKind::relu:
            return map_elements(x, relu);
        case ActivationKind::silu:
            return map_elements(x, silu);
        case ActivationKind::star_relu:
            break;
    }
    PF_DCHECK(!"build_graph refuses the others");
    return x;
}

}  // namespace pf
