// AlignedBuffer: float memory for packed weights and activations, page-backed or the caller's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "engine/base/allocator.hpp"
#include "engine/base/result.hpp"

namespace pf {

// A block of floats and what it takes to give it back. Move-only.
class AlignedBuffer {
  public:
    AlignedBuffer() = default;

    // Zeroed floats, mapped straight from the kernel and aligned to a page (4 KiB); buffers of 2
    // MiB or more are aligned to 2 MiB and ask for transparent huge pages. Or from `allocator`,
    // aligned to a page.
    static Result<AlignedBuffer> allocate(std::size_t num_floats, const Allocator& allocator = {});

    // Takes over a mapped file, which must not be written through it. It has no floats before
    // show() says which of its bytes they are.
    static AlignedBuffer adopt_mapping(std::span<const std::byte> mapping);
    void show(std::size_t first_byte, std::size_t num_floats);

    // Floats that somebody else keeps alive, and that must not be written.
    static AlignedBuffer borrow(const float* data, std::size_t num_floats);

    AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~AlignedBuffer();

    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return size_; }  // in floats
    // What the process maps (whole pages, or a whole file) or got from the allocator; of a borrowed
    // block, the floats.
    std::size_t size_bytes() const {
        return owned_bytes_ > 0 ? owned_bytes_ : size_ * sizeof(float);
    }
    std::span<float> floats() { return {data_, size_}; }
    std::span<const float> floats() const { return {data_, size_}; }

  private:
    bool take_from(const Allocator& allocator, std::size_t bytes);
    bool map(std::size_t bytes);
    void swap(AlignedBuffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(owned_, other.owned_);
        std::swap(owned_bytes_, other.owned_bytes_);
        std::swap(allocator_, other.allocator_);
    }

    float* data_ = nullptr;
    std::size_t size_ = 0;
    void* owned_ = nullptr;  // null if borrowed
    std::size_t owned_bytes_ = 0;
    Allocator allocator_;  // `owned_` came from it; from mmap if there is none
};

}  // namespace pf
