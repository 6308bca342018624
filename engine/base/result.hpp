// Result<T>: a value or an Error; how every function of the engine that can fail says so.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace pf {

// Same order and meaning as pf_status in poolformer.h.
enum class ErrorCode {
    ok = 0,
    invalid_argument,  // the caller passed something impossible
    file_error,        // a file cannot be opened or read
    invalid_model,     // model.json or model.safetensors breaks a rule
    unsupported,       // valid, but this build or this CPU cannot run it
    out_of_memory,
    busy,      // a session entered twice at the same time
    internal,  // a mistake of ours
    cancelled,
    deadline_exceeded,
};

// What went wrong, in words for the user: names file, field, found and expected where it can.
struct [[nodiscard]] Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
};

// Holds a T or an Error. Test it like a bool before `*` or `->`.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() { return std::get<0>(state_); }
    const T& operator*() const { return std::get<0>(state_); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    const Error& error() const { return std::get<1>(state_); }

  private:
    std::variant<T, Error> state_;
};

// Success or an Error, for functions without a value.
class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(Error error) : error_(std::move(error)) {}

    explicit operator bool() const { return error_.code == ErrorCode::ok; }
    const Error& error() const { return error_; }

  private:
    Error error_{ErrorCode::ok, {}};
};

}  // namespace pf
