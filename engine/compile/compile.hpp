// compile: a loaded model becomes fused steps with weights packed for one instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "engine/load/weights.hpp"

namespace pf {

// Fails with `unsupported`, naming the node, when the passes leave an operation that the fused
// executor does not run (the interpreter does). `loaded` is needed no longer afterwards.
Result<Model> compile(const LoadedModel& loaded, const kernels::KernelTable& kernels);

}  // namespace pf
