// Every tensor of a network from the integer hash, by the rules of tests/golden/README.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/load/description.hpp"
#include "engine/load/weights.hpp"
#include "tests/support/model_writer.hpp"

namespace pf::test {

// Matrices have the variance 1 / fan_in, layer scales are in [0.25, 0.75), weights of norms and
// stored variances in [0.5, 1.5), vectors else in [-0.125, 0.125).
TensorMap hash_weights(const Description& description, std::uint64_t seed);

// The same, checked by the loader.
Weights hash_loaded_weights(const Description& description, std::uint64_t seed);

}  // namespace pf::test
