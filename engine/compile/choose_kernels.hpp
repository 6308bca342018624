// choose_kernels: which instruction set a model is compiled for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "kernels/dispatch.hpp"

namespace pf {

// `isa`, or if that is empty what $PF_ISA names; "" if nobody asked for any.
std::string requested_isa(std::string_view isa);

// The table called `isa`; if that is empty, the one $PF_ISA names; else the best this CPU runs. An
// unknown name, or one this CPU cannot run, is an error that lists what it can.
Result<const kernels::KernelTable*> choose_kernels(std::string_view isa);

}  // namespace pf
