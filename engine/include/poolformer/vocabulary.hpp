// What poolformer.hpp speaks in: results, which hold a value or an error; views of caller's memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poolformer/poolformer.h>

#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace poolformer {

// ---- results -----------------------------------------------------------------------------------

// Why something failed; what() says it in words.
class Error : public std::runtime_error {
  public:
    Error(pf_status code, const char* message) : std::runtime_error(message), code_(code) {}
    pf_status code() const noexcept { return code_; }

  private:
    pf_status code_;
};

// A value, or the Error that came instead of it.
template <class T>
class [[nodiscard]] Expected {
  public:
    Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return state_.index() == 0; }
    pf_status code() const noexcept { return *this ? PF_OK : error().code(); }
    // "" of a value; valid as long as this object.
    const char* message() const noexcept { return *this ? "" : error().what(); }
    // Only without a value: test first.
    const Error& error() const noexcept { return *std::get_if<1>(&state_); }

    // Only with a value: test first.
    T& operator*() & noexcept { return *std::get_if<0>(&state_); }
    const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
    T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() noexcept { return std::get_if<0>(&state_); }
    const T* operator->() const noexcept { return std::get_if<0>(&state_); }

#ifdef __cpp_exceptions
    // Throws the Error that is there instead.
    T& value() & {
        check();
        return **this;
    }
    const T& value() const& {
        check();
        return **this;
    }
    T value() && {
        check();
        return *std::move(*this);
    }
#endif

  private:
#ifdef __cpp_exceptions
    void check() const {
        if (!*this) throw error();
    }
#endif

    std::variant<T, Error> state_;
};

// Success, which has no value, or an Error.
using Status = Expected<std::monostate>;

// ---- views: pointer and size of what the caller owns -------------------------------------------

namespace detail {

// What lies in a container with data() and size(), or in an array.
template <class Container>
using Element = std::remove_pointer_t<decltype(std::data(std::declval<Container&>()))>;

}  // namespace detail

// `size` values of the caller's: pointer and size, or anything with data() and size(), such as
// std::vector, std::array and std::span. Whatever it views must outlive the call it is passed to.
template <class T>
class View {
  public:
    constexpr View() = default;
    constexpr View(T* data, std::size_t size) : data_(data), size_(size) {}
    template <
        class Container,
        class = std::enable_if_t<std::is_convertible_v<detail::Element<Container> (*)[], T (*)[]>>>
    constexpr View(Container&& container)
        : data_(std::data(container)), size_(std::size(container)) {}

    constexpr T* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr T* begin() const noexcept { return data_; }
    constexpr T* end() const noexcept { return data_ + size_; }

  private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

// The bytes of numbers of any type, as a View<const T> has them.
class Bytes {
  public:
    constexpr Bytes() = default;
    constexpr Bytes(const void* data, std::size_t size_bytes)
        : data_(data), size_bytes_(size_bytes) {}
    template <
        class Container, class Value = detail::Element<const Container>,
        class = std::enable_if_t<std::is_trivially_copyable_v<Value> && !std::is_pointer_v<Value>>>
    constexpr Bytes(const Container& container)
        : Bytes(std::data(container), std::size(container) * sizeof(Value)) {}

    constexpr const void* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_bytes_; }

  private:
    const void* data_ = nullptr;
    std::size_t size_bytes_ = 0;
};

}  // namespace poolformer
