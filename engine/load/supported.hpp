// What the engine can run today of what a description can say, and what of that the executor runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/base/result.hpp"
#include "engine/load/description.hpp"

namespace pf {

// Fails on the first field whose value the engine cannot run, naming the field, the value and what
// is supported.
Status check_supported(const Description& description);

// Fails on the first field whose value the executor has no kernels for, though the interpreter
// does: names the field, the value and what the executor runs.
Status check_executable(const Description& description);

}  // namespace pf
