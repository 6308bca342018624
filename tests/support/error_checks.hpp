// Checks of error values: the code, and what the message must name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace pf::test {

// `result`: a Result or a Status, which must hold an error.
template <class T>
void check_error(const T& result, ErrorCode code, const std::vector<std::string>& parts) {
    REQUIRE_FALSE(static_cast<bool>(result));
    const Error& error = result.error();
    CHECK(static_cast<int>(error.code) == static_cast<int>(code));
    for (const std::string& part : parts) {
        INFO("message: ", error.message);
        INFO("must contain: ", part);
        CHECK(error.message.find(part) != std::string::npos);
    }
    CHECK(error.message.size() < 2000);
}

}  // namespace pf::test
