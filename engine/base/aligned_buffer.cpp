// AlignedBuffer: page-backed float memory for packed weights and activations.
// SPDX-License-Identifier: Apache-2.0
#include "engine/base/aligned_buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <limits>

namespace pf {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

Result<AlignedBuffer> AlignedBuffer::allocate(std::size_t num_floats) {
    AlignedBuffer buffer;
    if (num_floats == 0) return buffer;
    constexpr std::size_t kMaxBytes = std::numeric_limits<std::size_t>::max() / 4;
    if (num_floats > kMaxBytes / sizeof(float)) {
        return Error{ErrorCode::out_of_memory, "cannot allocate " + std::to_string(num_floats) +
                                                   " floats: larger than the address space"};
    }
    const std::size_t bytes = num_floats * sizeof(float);
    const bool huge = bytes >= kHugePageBytes;
    const std::size_t usable = round_up(bytes, kPageBytes);
    const std::size_t mapped = usable + (huge ? kHugePageBytes : 0);
    void* mapping =
        mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        return Error{ErrorCode::out_of_memory,
                     "cannot allocate " + std::to_string(bytes) + " bytes"};
    }
    auto address = reinterpret_cast<std::uintptr_t>(mapping);
    if (huge) {
        address = round_up(address, kHugePageBytes);
        // Advice only: a kernel without transparent huge pages runs on, a little slower.
        madvise(reinterpret_cast<void*>(address), usable, MADV_HUGEPAGE);
    }
    buffer.data_ = reinterpret_cast<float*>(address);
    buffer.size_ = num_floats;
    buffer.mapping_ = mapping;
    buffer.mapped_size_ = mapped;
    return buffer;
}

AlignedBuffer::~AlignedBuffer() {
    if (mapping_ != nullptr) munmap(mapping_, mapped_size_);
}

}  // namespace pf
