// Affine: a factor and a shift per channel, and how it folds into the matrix beside it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/graph/ops.hpp"

namespace pf {

// y[c] = factor[c] * x[c] + shift[c]. An empty factor is ones, an empty shift zeros.
struct Affine {
    Vector factor;
    Vector shift;
};

// What a batch_norm does with its stored statistics.
Affine to_affine(const BatchNorm& norm);

// matrix -> affine   becomes   matrix: scales its rows and changes its bias.
void fold_after(Matrix& weight, Vector& bias, const Affine& affine);

// affine -> linear   becomes   linear: scales its columns, and weight * shift joins the bias.
void fold_before(const Affine& affine, Linear& linear);

}  // namespace pf
