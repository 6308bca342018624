// Tolerance: how far from the exact result float arithmetic may come, derived, not guessed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace pf::test {

// A sum of products that goes through `roundings` roundings on its longest way differs from the
// exact one by at most gamma(roundings) times the sum of the absolute values of its terms (`norm`):
// each rounding is wrong by at most half an epsilon of what it rounds.
struct Tolerance {
    std::size_t roundings = 0;
    double inherited = 0;  // the effect of errors already in the terms

    static double gamma(std::size_t roundings) {
        const double n = static_cast<double>(roundings) *
                         static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
        return n / (1 - n);
    }
    double bound(double norm) const { return gamma(roundings) * norm + inherited; }

    // False if `found` is not finite.
    bool accepts(double found, double exact, double norm) const {
        return std::abs(found - exact) <= bound(norm);
    }
};

}  // namespace pf::test
