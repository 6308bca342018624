// GuardedBuffer: floats between two pages that nobody may touch.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/guarded_buffer.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "kernels/layout.hpp"

namespace pf::test {
namespace {

constexpr float kPattern = -1.2345e30f;  // in no test's data
constexpr std::size_t kAlignFloats = 16;

std::size_t first_float(std::size_t room, std::size_t size, GuardedBuffer::Place place) {
    switch (place) {
        case GuardedBuffer::Place::at_end:
            return room - size;
        case GuardedBuffer::Place::at_begin:
            return 0;
        case GuardedBuffer::Place::misaligned:
            return 1;
        case GuardedBuffer::Place::aligned:
            return (room - size) / kAlignFloats * kAlignFloats;
    }
    return 0;
}

}  // namespace

GuardedBuffer::GuardedBuffer(std::size_t size, Place place) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t room_bytes = kernels::round_up((size + 1) * sizeof(float), page);
    mapped_bytes_ = room_bytes + 2 * page;
    void* mapping = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<std::byte*>(mapping);
    if (mprotect(mapping_ + page, room_bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    room_ = reinterpret_cast<float*>(mapping_ + page);
    room_size_ = room_bytes / sizeof(float);
    std::fill_n(room_, room_size_, kPattern);
    data_ = room_ + first_float(room_size_, size, place);
}

GuardedBuffer::GuardedBuffer(const std::vector<float>& values, Place place)
    : GuardedBuffer(values.size(), place) {
    std::copy(values.begin(), values.end(), data_);
}

GuardedBuffer::~GuardedBuffer() {
    munmap(mapping_, mapped_bytes_);
}

bool GuardedBuffer::intact() const {
    const auto is_pattern = [](float value) { return value == kPattern; };
    return std::all_of(room_, data_, is_pattern) &&
           std::all_of(data_ + size_, room_ + room_size_, is_pattern);
}

}  // namespace pf::test
