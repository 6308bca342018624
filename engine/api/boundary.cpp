// What crosses the C interface: the last error, the caller's allocator and CPUs.
// SPDX-License-Identifier: Apache-2.0
#include "engine/api/boundary.hpp"

#include <sched.h>

#include <algorithm>
#include <span>

namespace pf::api {
namespace {

static_assert(static_cast<int>(ErrorCode::deadline_exceeded) == PF_DEADLINE_EXCEEDED,
              "ErrorCode and pf_status must list the same errors in the same order");

// A literal, or what last_message() holds. It and the flag have no destructors, so that the host's
// thread_local and static objects can still fail a call, and read why, in theirs.
thread_local const char* last_error = "";
thread_local bool message_is_gone = false;

struct Message {
    std::string words;
    ~Message() {
        last_error = "the thread has ended, and its last error is gone";
        message_is_gone = true;
    }
};

// Apart from last_error, since a thread's first look at it allocates. Not once it is gone.
std::string& last_message() {
    thread_local Message message;
    return message.words;
}

}  // namespace

pf_status fail(const Error& error) noexcept {
    if (message_is_gone) return fail(error.code, "the thread has ended: no words are kept");
    try {
        last_message() = error.message;
        last_error = last_message().c_str();
    } catch (...) {
        last_error = "no memory is left for words";
    }
    return static_cast<pf_status>(error.code);
}

pf_status fail(ErrorCode code, const char* literal) noexcept {
    last_error = literal;
    return static_cast<pf_status>(code);
}

pf_status fail(const std::exception& failure) noexcept {
    try {
        return fail(Error{ErrorCode::internal, failure.what()});
    } catch (...) {
        return fail(ErrorCode::internal, "an exception, and no memory for its words");
    }
}

pf_status null_argument(const char* name) {
    return fail(Error{ErrorCode::invalid_argument, std::string(name) + " is NULL"});
}

pf_status wrong_argument(const char* name, std::size_t found, const std::string& expected) {
    return fail(
        Error{ErrorCode::invalid_argument,
              std::string(name) + ": found " + std::to_string(found) + ", expected " + expected});
}

pf_status check_struct_size(std::size_t found, std::size_t expected) {
    // No header will ever have a struct as large as the upper one: that is memory nobody set.
    constexpr std::size_t kSmallest = sizeof(std::size_t), kLargest = 4096;
    if (found >= kSmallest && found <= kLargest) return PF_OK;
    return wrong_argument("struct_size", found, std::to_string(expected) + ", the struct's sizeof");
}

pf_status check_tail(const void* options, std::size_t bytes, std::size_t known) {
    const auto* first = static_cast<const unsigned char*>(options);
    const auto is_set = [](unsigned char byte) { return byte != 0; };
    if (bytes <= known || std::none_of(first + known, first + bytes, is_set)) return PF_OK;
    return fail(Error{ErrorCode::unsupported,
                      "struct_size: found " + std::to_string(bytes) + " with options behind the " +
                          std::to_string(known) +
                          " bytes that version " PF_VERSION
                          " of the library knows: install the program's version of it, or newer"});
}

Allocator allocator_of(const pf_allocator* allocator) {
    if (allocator == nullptr) return {};
    return {allocator->allocate, allocator->deallocate, allocator->user};
}

pf_status check_allocator(const pf_allocator* allocator) {
    if (allocator == nullptr) return PF_OK;
    if (allocator->allocate == nullptr) return null_argument("allocator->allocate");
    if (allocator->deallocate == nullptr) return null_argument("allocator->deallocate");
    return PF_OK;
}

pf_status check_cpus(const int* cpus, std::size_t num_cpus) {
    if (cpus == nullptr && num_cpus > 0) return null_argument("cpus");
    for (const int cpu : std::span(cpus, num_cpus)) {
        if (cpu >= 0 && cpu < CPU_SETSIZE) continue;
        return fail(Error{ErrorCode::invalid_argument, "cpus: found " + std::to_string(cpu) +
                                                           ", expected 0 to " +
                                                           std::to_string(CPU_SETSIZE - 1)});
    }
    return PF_OK;
}

bool overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes) {
    const auto first = reinterpret_cast<std::uintptr_t>(a);
    const auto second = reinterpret_cast<std::uintptr_t>(b);
    return first < second + b_bytes && second < first + a_bytes;
}

std::string mebibytes(std::size_t bytes) {
    const std::size_t tenths = (bytes * 10 + (std::size_t{1} << 19)) >> 20;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace pf::api

const char* pf_version(void) {
    return PF_VERSION;
}

const char* pf_last_error(void) {
    return pf::api::last_error;
}
