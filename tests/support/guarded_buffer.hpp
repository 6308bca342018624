// GuardedBuffer: floats between two pages that nobody may touch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pf::test {

// Owns exactly `size` floats. Reading or writing beyond the page that holds an end is a fault; what
// an alignment leaves free up to that page is filled with a pattern, which intact() checks.
class GuardedBuffer {
  public:
    enum class Place {
        at_end,      // the last float touches the page behind; aligned as the size has it
        at_begin,    // the first float touches the page in front: aligned to the page
        misaligned,  // one float further on than at_begin
        aligned,     // to 64 bytes, as close to the page behind as that allows
    };

    explicit GuardedBuffer(std::size_t size, Place place = Place::at_end);
    GuardedBuffer(const std::vector<float>& values, Place place = Place::at_end);
    ~GuardedBuffer();
    GuardedBuffer(const GuardedBuffer&) = delete;
    GuardedBuffer& operator=(const GuardedBuffer&) = delete;

    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return size_; }
    std::span<const float> floats() const { return {data_, size_}; }
    std::vector<float> values() const { return {data_, data_ + size_}; }
    bool intact() const;

  private:
    std::byte* mapping_ = nullptr;
    std::size_t mapped_bytes_ = 0;
    float* room_ = nullptr;  // the pages that may be touched
    std::size_t room_size_ = 0;
    float* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace pf::test
