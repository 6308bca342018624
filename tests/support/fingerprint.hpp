// A fingerprint of bytes, the same as in the scripts that make fixtures (FNV-1a, 64 bits, as hex).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>

#include "tests/support/hash.hpp"

namespace pf::test {

inline std::string fingerprint(std::span<const std::byte> bytes) {
    char text[17];
    const auto key = name_key({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(key));
    return text;
}

}  // namespace pf::test
