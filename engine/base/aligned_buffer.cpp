// AlignedBuffer: float memory for packed weights and activations, page-backed or the caller's.
// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace pf {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

void give_back(std::byte* memory, std::size_t bytes) {
    if (bytes > 0) munmap(memory, bytes);
}

}  // namespace

Result<AlignedBuffer> AlignedBuffer::allocate(std::size_t num_floats, const Allocator& allocator) {
    AlignedBuffer buffer;
    if (num_floats == 0) return buffer;
    constexpr std::size_t kMaxBytes = std::numeric_limits<std::size_t>::max() / 4;
    if (num_floats > kMaxBytes / sizeof(float)) {
        return Error{ErrorCode::out_of_memory, "cannot allocate " + std::to_string(num_floats) +
                                                   " floats: larger than the address space"};
    }
    const std::size_t bytes = num_floats * sizeof(float);
    const bool done = allocator ? buffer.take_from(allocator, bytes) : buffer.map(bytes);
    if (!done) {
        return Error{ErrorCode::out_of_memory,
                     "cannot allocate " + std::to_string(bytes) + " bytes"};
    }
    buffer.size_ = num_floats;
    return buffer;
}

bool AlignedBuffer::take_from(const Allocator& allocator, std::size_t bytes) {
    void* memory = allocator.allocate(allocator.user, bytes, kPageBytes);
    if (memory == nullptr) return false;
    std::memset(memory, 0, bytes);
    data_ = static_cast<float*>(memory);
    owned_ = memory;
    owned_bytes_ = bytes;
    allocator_ = allocator;
    return true;
}

bool AlignedBuffer::map(std::size_t bytes) {
    const bool huge = bytes >= kHugePageBytes;
    const std::size_t usable = round_up(bytes, kPageBytes);
    const std::size_t mapped = usable + (huge ? kHugePageBytes : 0);
    void* mapping =
        mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return false;
    auto* first = static_cast<std::byte*>(mapping);
    if (huge) {
        const std::size_t before = -reinterpret_cast<std::uintptr_t>(first) % kHugePageBytes;
        give_back(first, before);
        first += before;
        give_back(first + usable, kHugePageBytes - before);
        // Advice only: a kernel without transparent huge pages runs on, a little slower.
        madvise(first, usable, MADV_HUGEPAGE);
    }
    data_ = reinterpret_cast<float*>(first);
    owned_ = first;
    owned_bytes_ = usable;
    return true;
}

AlignedBuffer AlignedBuffer::adopt_mapping(std::span<const std::byte> mapping) {
    AlignedBuffer buffer;
    buffer.owned_ = const_cast<std::byte*>(mapping.data());
    buffer.owned_bytes_ = mapping.size();
    return buffer;
}

void AlignedBuffer::show(std::size_t first_byte, std::size_t num_floats) {
    data_ = reinterpret_cast<float*>(static_cast<std::byte*>(owned_) + first_byte);
    size_ = num_floats;
}

AlignedBuffer AlignedBuffer::borrow(const float* data, std::size_t num_floats) {
    AlignedBuffer buffer;
    buffer.data_ = const_cast<float*>(data);
    buffer.size_ = num_floats;
    return buffer;
}

AlignedBuffer::~AlignedBuffer() {
    if (owned_ == nullptr) return;
    if (allocator_) {
        allocator_.deallocate(allocator_.user, owned_, owned_bytes_);
    } else {
        munmap(owned_, owned_bytes_);
    }
}

}  // namespace pf
