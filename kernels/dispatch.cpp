// Which kernel tables this build has, and which of them this CPU can run.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/dispatch.hpp"

#include <algorithm>

#include "kernels/targets/tables.hpp"

namespace pf::kernels {
namespace {

std::vector<const KernelTable*> keep_runnable(std::vector<const KernelTable*> tables) {
    std::erase_if(tables, [](const KernelTable* table) { return !cpu_can_run(*table); });
    return tables;
}

}  // namespace

bool cpu_can_run(const KernelTable& table) {
    // The compiler's run-time library also checks that the operating system saves the registers.
    switch (table.isa) {
        case Isa::sse4_1:
            return __builtin_cpu_supports("sse4.1");
        case Isa::avx2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        case Isa::avx512:
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq");
    }
    return false;
}

const std::vector<const KernelTable*>& all_tables() {
    static const std::vector<const KernelTable*> tables = {&avx512_table(), &avx2_table(),
                                                           &sse4_1_table()};
    return tables;
}

const std::vector<const KernelTable*>& runnable_tables() {
    static const std::vector<const KernelTable*> tables = keep_runnable(all_tables());
    return tables;
}

const std::vector<const KernelTable*>& testable_tables() {
    static const std::vector<const KernelTable*> tables =
        keep_runnable({&avx512_table(), &avx2_table(), &avx2_block16_table(), &sse4_1_table()});
    return tables;
}

const KernelTable* find_table(std::string_view name) {
    const auto& tables = all_tables();
    const auto found = std::find_if(tables.begin(), tables.end(),
                                    [&](const KernelTable* table) { return table->name == name; });
    return found == tables.end() ? nullptr : *found;
}

}  // namespace pf::kernels
