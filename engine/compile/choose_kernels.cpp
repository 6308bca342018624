// choose_kernels: which instruction set a model is compiled for.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_kernels.hpp"

#include <cstdlib>
#include <string>

namespace pf {
namespace {

std::string names_of(const std::vector<const kernels::KernelTable*>& tables) {
    std::string names;
    for (const kernels::KernelTable* table : tables) {
        names += (names.empty() ? "" : ", ") + std::string(table->name);
    }
    return names;
}

}  // namespace

std::string requested_isa(std::string_view isa) {
    if (!isa.empty()) return std::string(isa);
    const char* forced = std::getenv("PF_ISA");
    return forced == nullptr ? "" : forced;
}

Result<const kernels::KernelTable*> choose_kernels(std::string_view isa) {
    const auto& runnable = kernels::runnable_tables();
    if (runnable.empty()) {
        return Error{ErrorCode::unsupported, "this CPU lacks SSE4.1, the least the kernels need"};
    }
    const std::string source = isa.empty() ? "environment variable PF_ISA" : "instruction set";
    const std::string wanted = requested_isa(isa);
    if (wanted.empty()) return runnable.front();
    const std::string found = source + ": found \"" + wanted + "\"";
    const kernels::KernelTable* table = kernels::find_table(wanted);
    if (table == nullptr) {
        return Error{ErrorCode::invalid_argument,
                     found + ", expected one of " + names_of(kernels::all_tables())};
    }
    if (!kernels::cpu_can_run(*table)) {
        return Error{ErrorCode::unsupported,
                     found + ", but this CPU can only run " + names_of(runnable)};
    }
    return table;
}

}  // namespace pf
