// Strict JSON: untrusted text to a small tree of values, or an error that says where.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/load/messages.hpp"

namespace pf {
namespace {

// Receives nlohmann-json's parse events, which come from an iterative parser, and builds the tree.
// Every event returns whether to go on; after the first problem error() is set.
class TreeBuilder {
  public:
    TreeBuilder(const std::string& where, const JsonLimits& limits)
        : where_(where), limits_(limits) {}

    bool null() { return add({}); }
    bool boolean(bool value) { return add({value}); }
    // Called for numbers with a minus sign only, so zero means "-0".
    bool number_integer(std::int64_t value) {
        return add({JsonInteger{std::uint64_t{0} - static_cast<std::uint64_t>(value), true}});
    }
    bool number_unsigned(std::uint64_t value) { return add({JsonInteger{value, false}}); }
    bool number_float(double value, const std::string&) { return add({value}); }
    bool string(std::string& value) { return add({std::move(value)}); }
    bool binary(std::vector<std::uint8_t>&) { return fail("binary data, expected JSON"); }

    bool start_object(std::size_t) { return open({JsonValue::Object{}}); }
    bool start_array(std::size_t) { return open({JsonValue::Array{}}); }
    bool key(std::string& value) {
        open_.back().key = std::move(value);
        return true;
    }
    bool end_object() {
        if (const std::string* duplicate = duplicate_key()) {
            open_.back().key = *duplicate;
            return fail("found twice, expected once");
        }
        return close();
    }
    bool end_array() { return close(); }

    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& problem) {
        std::string_view reason = problem.what();  // "[json.exception...] parse error at line ..."
        const std::size_t label_end = reason.find("] ");
        if (label_end != std::string_view::npos) reason.remove_prefix(label_end + 2);
        error_ = Error{ErrorCode::invalid_model,
                       where_ + ": found invalid JSON: " + printable(reason, 240)};
        return false;
    }

    const std::optional<Error>& error() const { return error_; }
    JsonValue take_root() { return std::move(root_); }

  private:
    // An array or object whose end has not been read yet.
    struct Open {
        JsonValue value;
        std::string key;  // of the member being read, if this is an object
    };

    bool fail(const std::string& problem) {
        const std::string place = path();
        error_ = Error{ErrorCode::invalid_model,
                       where_ + (place.empty() ? "" : ": field \"" + place + '"') + ": " + problem};
        return false;
    }

    std::string path() const {
        std::string out;
        for (const Open& level : open_) {
            if (const auto* array = std::get_if<JsonValue::Array>(&level.value.data)) {
                out += '[' + std::to_string(array->size()) + ']';
            } else if (!level.key.empty()) {
                out += (out.empty() ? "" : ".") + printable(level.key);
            }
        }
        return out;
    }

    bool count() {
        if (++num_values_ <= limits_.max_values) return true;
        return fail("found more than " + std::to_string(limits_.max_values) +
                    " values in one document, which is the limit");
    }

    bool add(JsonValue value) { return count() && place(std::move(value)); }

    bool place(JsonValue value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return true;
        }
        Open& parent = open_.back();
        if (auto* array = std::get_if<JsonValue::Array>(&parent.value.data)) {
            array->push_back(std::move(value));
        } else {
            auto& object = std::get<JsonValue::Object>(parent.value.data);
            object.push_back({std::move(parent.key), std::move(value)});
            parent.key.clear();
        }
        return true;
    }

    bool open(JsonValue container) {
        if (!count()) return false;
        if (open_.size() >= limits_.max_depth) {
            return fail("found deeper nesting, expected at most " +
                        std::to_string(limits_.max_depth) + " levels");
        }
        open_.push_back({std::move(container), {}});
        return true;
    }

    bool close() {
        JsonValue done = std::move(open_.back().value);
        open_.pop_back();
        return place(std::move(done));
    }

    // By sorting, so that a file with many keys costs no quadratic time.
    const std::string* duplicate_key() const {
        const auto& members = std::get<JsonValue::Object>(open_.back().value.data);
        std::vector<const std::string*> keys;
        keys.reserve(members.size());
        for (const JsonMember& member : members) keys.push_back(&member.key);
        std::sort(keys.begin(), keys.end(), [](auto* a, auto* b) { return *a < *b; });
        const auto twice =
            std::adjacent_find(keys.begin(), keys.end(), [](auto* a, auto* b) { return *a == *b; });
        return twice == keys.end() ? nullptr : *twice;
    }

    const std::string& where_;
    const JsonLimits& limits_;
    std::vector<Open> open_;
    JsonValue root_;
    std::size_t num_values_ = 0;
    std::optional<Error> error_;
};

// What the parser underneath would let pass: it skips a byte order mark and stops at a zero byte.
Status check_bytes(std::string_view text, const std::string& where, const JsonLimits& limits) {
    if (text.size() > limits.max_bytes) {
        return Error{ErrorCode::invalid_model, where + ": found " + std::to_string(text.size()) +
                                                   " bytes of JSON, expected at most " +
                                                   std::to_string(limits.max_bytes)};
    }
    if (text.substr(0, 3) == "\xef\xbb\xbf") {
        return Error{ErrorCode::invalid_model,
                     where + ": found a byte order mark, expected UTF-8 without one"};
    }
    const std::size_t zero = text.find('\0');
    if (zero != std::string_view::npos) {
        return Error{ErrorCode::invalid_model, where + ": found a zero byte at byte " +
                                                   std::to_string(zero) + ", expected JSON"};
    }
    return {};
}

std::string describe_real(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    std::string text(digits.data(), end);
    // So that 1.0, refused where an integer is expected, does not show as 1.
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
    const auto* object = std::get_if<Object>(&data);
    if (object == nullptr) return nullptr;
    const auto member = std::find_if(object->begin(), object->end(),
                                     [&](const JsonMember& each) { return each.key == key; });
    return member == object->end() ? nullptr : &member->value;
}

std::string JsonValue::describe() const {
    if (const auto* flag = std::get_if<bool>(&data)) return *flag ? "true" : "false";
    if (const auto* number = std::get_if<JsonInteger>(&data)) {
        return (number->is_negative ? "-" : "") + std::to_string(number->magnitude);
    }
    if (const auto* real = std::get_if<double>(&data)) return describe_real(*real);
    if (const auto* text = std::get_if<std::string>(&data)) return in_quotes(*text);
    if (const auto* array = std::get_if<Array>(&data)) {
        return "an array of " + std::to_string(array->size());
    }
    return std::holds_alternative<Object>(data) ? "an object" : "null";
}

Result<JsonValue> parse_json(std::string_view text, const std::string& where,
                             const JsonLimits& limits) {
    if (Status status = check_bytes(text, where, limits); !status) return status.error();
    TreeBuilder builder(where, limits);
    nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
    if (builder.error()) return *builder.error();
    return builder.take_root();
}

}  // namespace pf
