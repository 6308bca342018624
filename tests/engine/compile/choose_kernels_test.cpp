// choose_kernels: the name, then PF_ISA, then the best; and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_kernels.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "tests/support/error_checks.hpp"

namespace pf::test {
namespace {

// Sets or unsets PF_ISA, and puts back what was there.
class ForcedIsa {
  public:
    explicit ForcedIsa(const char* value) {
        const char* before = std::getenv("PF_ISA");
        if (before != nullptr) before_ = before;
        set(value);
    }
    ~ForcedIsa() { set(before_ ? before_->c_str() : nullptr); }
    ForcedIsa(const ForcedIsa&) = delete;
    ForcedIsa& operator=(const ForcedIsa&) = delete;

  private:
    static void set(const char* value) {
        value == nullptr ? unsetenv("PF_ISA") : setenv("PF_ISA", value, 1);
    }
    std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("choose_kernels: without a name the best, also if PF_ISA is empty") {
    for (const char* forced : {static_cast<const char*>(nullptr), ""}) {
        const ForcedIsa environment(forced);
        const auto table = choose_kernels("");
        REQUIRE(table);
        CHECK(*table == kernels::runnable_tables().front());
    }
}

TEST_CASE("choose_kernels: PF_ISA names the set, unless the caller does") {
    for (const kernels::KernelTable* forced : kernels::runnable_tables()) {
        const ForcedIsa environment(forced->name);
        CHECK(*choose_kernels("") == forced);
        for (const kernels::KernelTable* named : kernels::runnable_tables()) {
            CHECK(*choose_kernels(named->name) == named);
        }
    }
}

TEST_CASE("choose_kernels: an unknown name is refused and the known ones listed") {
    {
        const ForcedIsa environment("pentium");
        check_error(choose_kernels(""), ErrorCode::invalid_argument,
                    {"PF_ISA", "\"pentium\"", "avx512, avx2, sse4_1"});
        CHECK(choose_kernels("sse4_1"));
    }
    const ForcedIsa environment(nullptr);
    check_error(choose_kernels("AVX2"), ErrorCode::invalid_argument,
                {"instruction set", "\"AVX2\"", "avx512, avx2, sse4_1"});
    check_error(choose_kernels("avx2_block16"), ErrorCode::invalid_argument, {"avx2_block16"});
}

TEST_CASE("choose_kernels: a set that this CPU cannot run is refused as unsupported") {
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        const auto chosen = choose_kernels(table->name);
        if (kernels::cpu_can_run(*table)) {
            CHECK(*chosen == table);
        } else {
            check_error(chosen, ErrorCode::unsupported, {table->name, "this CPU can only run"});
        }
    }
}

}  // namespace pf::test
