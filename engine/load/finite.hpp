// Search for NaN and infinity in a tensor, fast enough for every load.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "engine/load/weights.hpp"

namespace pf {

// The index of the first element that is NaN or infinite, if there is one.
std::optional<std::size_t> find_not_finite(const Tensor& tensor);

}  // namespace pf
