// AlignedBuffer: alignment, zeros, and that no more is mapped than it says.
// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.hpp"

#include <doctest/doctest.h>
#include <errno.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pf::test {
namespace {

constexpr std::size_t kPage = 4096, kHugePage = std::size_t{2} << 20;

bool is_mapped(const std::byte* page) {
    unsigned char is_resident = 0;
    return ::mincore(const_cast<std::byte*>(page), kPage, &is_resident) == 0 || errno != ENOMEM;
}

}  // namespace

TEST_CASE("AlignedBuffer: whole pages, large blocks aligned for huge ones, and no more") {
    for (const std::size_t bytes : {std::size_t{4}, kPage, kPage + 4, kHugePage - 4, kHugePage,
                                    kHugePage + 4, 5 * kHugePage + kPage}) {
        CAPTURE(bytes);
        auto allocated = AlignedBuffer::allocate(bytes / sizeof(float));
        REQUIRE(allocated);
        const std::size_t expected = (bytes + kPage - 1) / kPage * kPage;
        CHECK(allocated->size_bytes() == expected);
        const auto address = reinterpret_cast<std::uintptr_t>(allocated->data());
        CHECK(address % (bytes >= kHugePage ? kHugePage : kPage) == 0);
        const auto floats = allocated->floats();
        CHECK(std::all_of(floats.begin(), floats.end(), [](float x) { return x == 0; }));
        std::fill(floats.begin(), floats.end(), 1.0f);

        const auto* first = reinterpret_cast<const std::byte*>(allocated->data());
        CHECK(is_mapped(first + expected - kPage));
        // What it took more, to align the rest, it gave back.
        if (bytes >= kHugePage) CHECK_FALSE(is_mapped(first + expected));
    }
}

TEST_CASE("AlignedBuffer: gives back all that it mapped") {
    const std::byte* first = nullptr;
    constexpr std::size_t kBytes = 3 * kHugePage + kPage;
    {
        const auto allocated = AlignedBuffer::allocate(kBytes / sizeof(float));
        REQUIRE(allocated);
        first = reinterpret_cast<const std::byte*>(allocated->data());
    }
    CHECK_FALSE(is_mapped(first));
    CHECK_FALSE(is_mapped(first + kBytes - kPage));
}

}  // namespace pf::test
