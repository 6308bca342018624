// Readers of a JSON tree with types and bounds, so that parsing code looks like its schema table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/load/json.hpp"

namespace pf {

// Keeps the first problem, so that readers need no check after every field: once it is set they
// return zeros, and the caller looks at status() at the end.
class FirstError {
  public:
    explicit FirstError(std::string where) : where_(std::move(where)) {}

    // `<where>: field "<path>": <problem>`; an empty path names the whole document.
    void add(std::string_view path, std::string_view problem);
    const Status& status() const { return status_; }
    bool is_set() const { return !status_; }

  private:
    std::string where_;
    Status status_;
};

// A name in the file for a value of an enum.
template <class T>
struct Named {
    std::string_view name;
    T value;
};

// One place of the document. The value may be missing: every getter then says what it expected.
class FieldReader {
  public:
    FieldReader(const JsonValue* value, std::string path, FirstError& errors)
        : value_(value), path_(std::move(path)), errors_(&errors) {}

    std::size_t integer(std::size_t min, std::size_t max) const;  // written as an integer
    double number(double min, double max) const;
    bool boolean() const;
    std::string text(std::size_t max_bytes) const;  // without control characters
    std::vector<FieldReader> array(std::size_t min_count, std::size_t max_count) const;

    template <class T, std::size_t kCount>
    T choice(const Named<T> (&choices)[kCount]) const {
        std::vector<std::string_view> names;
        for (const Named<T>& each : choices) names.push_back(each.name);
        return choices[choice_index(names)].value;
    }

    // A rule that types and bounds cannot say: "found <value>, expected <expected>".
    void refuse(std::string_view expected) const;
    const JsonValue* value() const { return value_; }
    const std::string& path() const { return path_; }
    FirstError& errors() const { return *errors_; }

  private:
    std::size_t choice_index(const std::vector<std::string_view>& names) const;

    const JsonValue* value_;  // nullptr: missing
    std::string path_;
    FirstError* errors_;
};

// The members of an object. Remembers which ones were asked for.
class ObjectReader {
  public:
    explicit ObjectReader(const FieldReader& place);

    FieldReader field(std::string_view key);  // `key` outlives the reader (a literal)
    ObjectReader object(std::string_view key) { return ObjectReader(field(key)); }

    // Every member that field() was not asked for is an error; call it last.
    void refuse_unknown() const;

  private:
    FieldReader place_;
    std::vector<std::string_view> known_;
};

}  // namespace pf
