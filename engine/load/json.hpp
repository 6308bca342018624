// Strict JSON: untrusted text to a small tree of values, or an error that says where.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"

namespace pf {

struct JsonMember;

// A number written without fraction and exponent, below 2^64 in magnitude. "-0" is negative.
struct JsonInteger {
    std::uint64_t magnitude = 0;
    bool is_negative = false;
};

// Members keep the order of the file; no key occurs twice.
struct JsonValue {
    using Array = std::vector<JsonValue>;
    using Object = std::vector<JsonMember>;

    std::variant<std::monostate, bool, JsonInteger, double, std::string, Array, Object> data;

    // The value of that key; nullptr if this is no object or has no such key.
    const JsonValue* find(std::string_view key) const;

    // The value in words for an error message: -3, 1.5, "abc", an object.
    std::string describe() const;
};

struct JsonMember {
    std::string key;
    JsonValue value;
};

struct JsonLimits {
    std::size_t max_bytes = 0;
    std::size_t max_depth = 0;   // of nested arrays and objects
    std::size_t max_values = 0;  // in the whole tree, containers included
};

// Parses one JSON value with nothing but whitespace around it. Refuses duplicate keys, invalid
// UTF-8, byte order marks, comments, numbers beyond double, and whatever exceeds `limits`; memory
// and time are linear in the text (sorting keys apart). `where` begins every error message.
Result<JsonValue> parse_json(std::string_view text, const std::string& where,
                             const JsonLimits& limits);

}  // namespace pf
