// Readers of a JSON tree with types and bounds, so that parsing code looks like its schema table.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/fields.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

#include "engine/load/messages.hpp"

namespace pf {
namespace {

// Control characters of ASCII, and of Latin-1 (U+0080 to U+009F) as UTF-8 writes them.
bool has_control_characters(std::string_view text) {
    unsigned char previous = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (previous == 0xc2 && byte < 0xa0)) return true;
        previous = byte;
    }
    return false;
}

std::string plain(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

std::optional<double> as_number(const JsonValue& value) {
    if (const auto* real = std::get_if<double>(&value.data)) return *real;
    if (const auto* integer = std::get_if<JsonInteger>(&value.data)) {
        const auto magnitude = static_cast<double>(integer->magnitude);
        return integer->is_negative ? -magnitude : magnitude;
    }
    return std::nullopt;
}

}  // namespace

void FirstError::add(std::string_view path, std::string_view problem) {
    if (is_set()) return;
    std::string message = where_;
    if (!path.empty()) message.append(": field \"").append(path).append("\"");
    message.append(": ").append(problem);
    status_ = Error{ErrorCode::invalid_model, std::move(message)};
}

void FieldReader::refuse(std::string_view expected) const {
    const std::string found = value_ == nullptr ? "missing" : "found " + value_->describe();
    errors_->add(path_, found + ", expected " + std::string(expected));
}

std::size_t FieldReader::integer(std::size_t min, std::size_t max) const {
    if (errors_->is_set()) return 0;
    const auto* number = value_ == nullptr ? nullptr : std::get_if<JsonInteger>(&value_->data);
    if (number != nullptr && !number->is_negative && number->magnitude >= min &&
        number->magnitude <= max) {
        return number->magnitude;
    }
    refuse(min == max ? std::to_string(min)
                      : "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return 0;
}

double FieldReader::number(double min, double max) const {
    if (errors_->is_set()) return 0;
    const auto number = value_ == nullptr ? std::nullopt : as_number(*value_);
    if (number && *number >= min && *number <= max) return *number;
    refuse("a number from " + plain(min) + " to " + plain(max));
    return 0;
}

bool FieldReader::boolean() const {
    if (errors_->is_set()) return false;
    const auto* flag = value_ == nullptr ? nullptr : std::get_if<bool>(&value_->data);
    if (flag == nullptr) refuse("true or false");
    return flag != nullptr && *flag;
}

std::string FieldReader::text(std::size_t max_bytes) const {
    if (errors_->is_set()) return {};
    const auto* text = value_ == nullptr ? nullptr : std::get_if<std::string>(&value_->data);
    if (text != nullptr && text->size() <= max_bytes && !has_control_characters(*text)) {
        return *text;
    }
    refuse("a string of at most " + std::to_string(max_bytes) +
           " bytes without control characters");
    return {};
}

std::vector<FieldReader> FieldReader::array(std::size_t min_count, std::size_t max_count) const {
    if (errors_->is_set()) return {};
    const auto* array = value_ == nullptr ? nullptr : std::get_if<JsonValue::Array>(&value_->data);
    if (array == nullptr || array->size() < min_count || array->size() > max_count) {
        const std::string least = std::to_string(min_count);
        refuse("an array of " +
               (min_count == max_count ? least : least + " to " + std::to_string(max_count)) +
               " values");
        return {};
    }
    std::vector<FieldReader> items;
    items.reserve(array->size());
    for (const JsonValue& value : *array) {
        items.emplace_back(&value, path_ + '[' + std::to_string(items.size()) + ']', *errors_);
    }
    return items;
}

std::size_t FieldReader::choice_index(const std::vector<std::string_view>& names) const {
    if (errors_->is_set()) return 0;
    const auto* text = value_ == nullptr ? nullptr : std::get_if<std::string>(&value_->data);
    if (text != nullptr) {
        const auto match = std::find(names.begin(), names.end(), *text);
        if (match != names.end()) return static_cast<std::size_t>(match - names.begin());
    }
    std::string expected = names.size() == 1 ? "" : "one of ";
    for (const std::string_view name : names) {
        expected.append(name == names.front() ? "\"" : ", \"").append(name).append("\"");
    }
    refuse(expected);
    return 0;
}

ObjectReader::ObjectReader(const FieldReader& place) : place_(place) {
    const JsonValue* value = place_.value();
    if (value == nullptr || !std::holds_alternative<JsonValue::Object>(value->data)) {
        place_.refuse("an object");
    }
}

FieldReader ObjectReader::field(std::string_view key) {
    known_.push_back(key);
    const JsonValue* object = place_.value();
    const JsonValue* value = object == nullptr ? nullptr : object->find(key);
    std::string path = place_.path();
    if (!path.empty()) path += '.';
    return FieldReader(value, path.append(key), place_.errors());
}

void ObjectReader::refuse_unknown() const {
    if (place_.errors().is_set()) return;
    for (const JsonMember& member : std::get<JsonValue::Object>(place_.value()->data)) {
        if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
        std::string expected;
        for (const std::string_view name : known_) {
            expected.append(expected.empty() ? "" : ", ").append(name);
        }
        const std::string prefix = place_.path().empty() ? "" : place_.path() + '.';
        place_.errors().add(prefix + printable(member.key),
                            "unknown field, expected only " + expected);
        return;
    }
}

}  // namespace pf
