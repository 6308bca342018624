// compile: a loaded model becomes fused steps with weights packed for one instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "engine/load/weights.hpp"

namespace pf {

// Fails with `unsupported`, naming the field of model.json, where the executor has no kernels
// (check_executable; the interpreter runs such models). `loaded` is needed no longer afterwards.
// The packed weights come from `allocator`, if there is one.
Result<Model> compile(const LoadedModel& loaded, const kernels::KernelTable& kernels,
                      const Allocator& allocator = {});

// The same but for the packed weights: a Model without any, and how many floats they are.
struct Layout {
    Model model;
    std::size_t weight_floats = 0;
};
Result<Layout> lay_out(const Description& description, const kernels::KernelTable& kernels);

}  // namespace pf
