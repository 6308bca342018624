// AlignedBuffer: page-backed float memory for packed weights and activations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "engine/base/result.hpp"

namespace pf {

// Owns `size` zeroed floats, mapped straight from the kernel and aligned to a page (4 KiB); buffers
// of 2 MiB or more are aligned to 2 MiB and ask for transparent huge pages. Move-only.
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    static Result<AlignedBuffer> allocate(std::size_t num_floats);

    AlignedBuffer(AlignedBuffer&& other) noexcept { swap(other); }
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~AlignedBuffer();

    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return size_; }               // in floats
    std::size_t size_bytes() const { return mapped_size_; }  // what the process really maps
    std::span<float> floats() { return {data_, size_}; }
    std::span<const float> floats() const { return {data_, size_}; }

  private:
    void swap(AlignedBuffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(mapping_, other.mapping_);
        std::swap(mapped_size_, other.mapped_size_);
    }

    float* data_ = nullptr;
    std::size_t size_ = 0;
    void* mapping_ = nullptr;
    std::size_t mapped_size_ = 0;
};

}  // namespace pf
