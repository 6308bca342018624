// Allocator: a caller's own source of large blocks, in place of mmap.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace pf {

// As pf_allocator in poolformer.h. Without functions there is none: blocks come from mmap.
struct Allocator {
    void* (*allocate)(void* user, std::size_t bytes, std::size_t alignment) = nullptr;
    void (*deallocate)(void* user, void* memory, std::size_t bytes) = nullptr;
    void* user = nullptr;

    explicit operator bool() const { return allocate != nullptr; }
};

}  // namespace pf
