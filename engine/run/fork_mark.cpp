// ForkMark: tells whether this process is a child that was forked off since.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/fork_mark.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace pf {
namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

ForkMark::ForkMark() : process_(getpid()) {
    void* page =
        mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (madvise(page, kPageBytes, MADV_WIPEONFORK) != 0) {
        munmap(page, kPageBytes);
        return;
    }
    page_ = static_cast<volatile unsigned char*>(page);
    *page_ = 1;
}

ForkMark::~ForkMark() {
    if (page_ != nullptr) munmap(const_cast<unsigned char*>(page_), kPageBytes);
}

bool ForkMark::is_forked_child() const {
    return page_ != nullptr ? *page_ == 0 : getpid() != process_;
}

}  // namespace pf
