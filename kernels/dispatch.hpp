// Which kernel tables this build has, and which of them this CPU can run.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "kernels/kernels.hpp"

namespace pf::kernels {

// One table per instruction set, best first, whether or not this CPU can run it.
const std::vector<const KernelTable*>& all_tables();

// Those this CPU, and the operating system's saving of its registers, can run; best first.
const std::vector<const KernelTable*>& runnable_tables();

// The runnable tables, and for tests also other block sizes of the same instruction sets.
const std::vector<const KernelTable*>& testable_tables();

// The table of that name among all_tables(); null if there is none.
const KernelTable* find_table(std::string_view name);

bool cpu_can_run(const KernelTable& table);

}  // namespace pf::kernels
