// Words for error messages: untrusted text made short and printable, shapes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pf {

// `text` with control and non-ASCII bytes as \xNN, cut after `max_bytes` with "...". What a file
// holds never reaches a terminal or a log in any other way.
std::string printable(std::string_view text, std::size_t max_bytes = 80);

// printable(), in double quotes.
std::string in_quotes(std::string_view text);

// "[64, 3, 7, 7]"
std::string shape_text(const std::vector<std::size_t>& shape);

}  // namespace pf
