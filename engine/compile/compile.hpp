// compile: a loaded model becomes fused steps with weights packed for one instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "engine/load/weights.hpp"

namespace pf {

// Fails with `unsupported`, naming the node, when the passes leave an operation that the fused
// executor does not run (the interpreter does). `loaded` is needed no longer afterwards. The packed
// weights come from `allocator`, if there is one.
Result<Model> compile(const LoadedModel& loaded, const kernels::KernelTable& kernels,
                      const Allocator& allocator = {});

// The same but for the packed weights: a Model without any, and how many floats they are.
struct Layout {
    Model model;
    std::size_t weight_floats = 0;
};
Result<Layout> lay_out(const Description& description, const kernels::KernelTable& kernels);

}  // namespace pf
