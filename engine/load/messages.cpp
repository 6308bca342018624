// Words for error messages: untrusted text made short and printable, shapes.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/messages.hpp"

namespace pf {

std::string printable(std::string_view text, std::size_t max_bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : text.substr(0, max_bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            out += c;
        } else {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    if (text.size() > max_bytes) out += "...";
    return out;
}

std::string in_quotes(std::string_view text) {
    return '"' + printable(text) + '"';
}

std::string shape_text(const std::vector<std::size_t>& shape) {
    std::string out = "[";
    for (const std::size_t size : shape) {
        if (out.size() > 1) out += ", ";
        out += std::to_string(size);
    }
    return out + "]";
}

}  // namespace pf
