// The kernel tables: their names and order, and which of them this CPU runs.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;

std::vector<std::string> names_of(const std::vector<const KernelTable*>& tables) {
    std::vector<std::string> names;
    for (const KernelTable* table : tables) names.emplace_back(table->name);
    return names;
}

bool contains(const std::vector<const KernelTable*>& tables, const KernelTable* table) {
    return std::find(tables.begin(), tables.end(), table) != tables.end();
}

}  // namespace

TEST_CASE("dispatch: all tables, best first, and their sizes") {
    CHECK(names_of(kernels::all_tables()) == std::vector<std::string>{"avx512", "avx2", "sse4_1"});
    std::vector<std::size_t> panels, blocks;
    for (const KernelTable* table : kernels::all_tables()) {
        panels.push_back(table->panel);
        blocks.push_back(table->block);
    }
    CHECK(panels == std::vector<std::size_t>{32, 16, 8});
    CHECK(blocks == std::vector<std::size_t>{16, 8, 8});
}

TEST_CASE("dispatch: the runnable tables are those of all tables that the CPU can run, in order") {
    std::vector<const KernelTable*> expected;
    for (const KernelTable* table : kernels::all_tables()) {
        if (kernels::cpu_can_run(*table)) expected.push_back(table);
    }
    REQUIRE_FALSE(expected.empty());
    CHECK(kernels::runnable_tables() == expected);
    for (const KernelTable* table : expected) CHECK(contains(kernels::testable_tables(), table));
    for (const KernelTable* table : kernels::testable_tables()) CHECK(kernels::cpu_can_run(*table));
}

TEST_CASE("dispatch: AVX2 is also tested with blocks of 16") {
    const auto names = names_of(kernels::testable_tables());
    const bool has_avx2 = std::find(names.begin(), names.end(), "avx2") != names.end();
    const bool has_block16 = std::find(names.begin(), names.end(), "avx2_block16") != names.end();
    CHECK(has_avx2 == has_block16);
}

TEST_CASE("dispatch: tables are found by their exact name") {
    for (const KernelTable* table : kernels::all_tables()) {
        CHECK(kernels::find_table(table->name) == table);
    }
    for (const char* name : {"", "AVX2", "avx", "avx2 ", "avx5120", "avx2_block16", "neon64"}) {
        CHECK(kernels::find_table(name) == nullptr);
    }
}

TEST_CASE("dispatch: the FMA probe counts two operations a lane and chain") {
    for (const KernelTable* table : kernels::runnable_tables()) {
        const double once = table->fma_probe(1);
        CHECK(once > 0);
        CHECK(table->fma_probe(1000) == 1000 * once);
    }
}

}  // namespace pf::test
