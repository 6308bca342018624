// Every allocation of the process, counted by who asks, and refused on demand.
// SPDX-License-Identifier: Apache-2.0
#include "tests/allocation/hooks.hpp"

#include <errno.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "kernels/onednn/convolution.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations_of_ours{0};
std::atomic<int> allocations_in_onednn{0};
std::atomic<int> allocations_left{-1};  // before one is refused; negative: none will be
std::atomic<bool> refused{false};
std::atomic<int> blocks{0};
thread_local bool in_onednn = false;

// Whether an allocation may go on.
bool admit() {
    if (counting.load(std::memory_order_relaxed)) {
        ++(in_onednn ? allocations_in_onednn : allocations_of_ours);
    }
    if (in_onednn || allocations_left.load(std::memory_order_relaxed) < 0) return true;
    if (allocations_left.fetch_sub(1) != 0) return true;
    refused = true;
    errno = ENOMEM;
    return false;
}

void* note(void* memory) {
    if (memory != nullptr) ++blocks;
    return memory;
}

// Says who asks while it lives.
struct InOneDnn {
    InOneDnn() { in_onednn = true; }
    ~InOneDnn() { in_onednn = false; }
};

}  // namespace

// In front of the C library's own, whoever calls: the executable, oneDNN or the C++ library.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

void* malloc(std::size_t size) {
    return admit() ? note(__libc_malloc(size)) : nullptr;
}
void* calloc(std::size_t number, std::size_t size) {
    return admit() ? note(__libc_calloc(number, size)) : nullptr;
}
void* realloc(void* memory, std::size_t size) {
    if (!admit()) return nullptr;
    void* moved = __libc_realloc(memory, size);
    return memory == nullptr ? note(moved) : moved;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return admit() ? note(__libc_memalign(alignment, size)) : nullptr;
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    *memory = admit() ? note(__libc_memalign(alignment, size)) : nullptr;
    return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
    if (memory != nullptr) --blocks;
    __libc_free(memory);
}

// The linker sends the engine's calls of these functions here (CMakeLists.txt).
void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file,
                  off_t offset);
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file,
                  off_t offset) {
    return admit() ? __real_mmap(address, size, protection, flags, file, offset) : MAP_FAILED;
}

bool __real__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(
    pf::kernels::Convolution* convolution, const float* src, const float* weights,
    const float* bias, float* dst, std::byte* scratch) noexcept;
bool __wrap__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(
    pf::kernels::Convolution* convolution, const float* src, const float* weights,
    const float* bias, float* dst, std::byte* scratch) noexcept {
    const InOneDnn guard;
    return __real__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(convolution, src, weights,
                                                                          bias, dst, scratch);
}
}

// The same for Convolution::create, which returns a class: not what C can, but what the linker
// finds.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"  // g++ does not know the next one
#pragma GCC diagnostic ignored "-Wreturn-type-c-linkage"
using Created = std::unique_ptr<pf::kernels::Convolution>;
extern "C" Created
__real__ZN2pf7kernels11Convolution6createERKNS0_16ConvolutionShapeENS0_3IsaERNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(
    const pf::kernels::ConvolutionShape& shape, pf::kernels::Isa isa, std::string& error);
extern "C" Created
__wrap__ZN2pf7kernels11Convolution6createERKNS0_16ConvolutionShapeENS0_3IsaERNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(
    const pf::kernels::ConvolutionShape& shape, pf::kernels::Isa isa, std::string& error) {
    const InOneDnn guard;
    return __real__ZN2pf7kernels11Convolution6createERKNS0_16ConvolutionShapeENS0_3IsaERNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE(
        shape, isa, error);
}
#pragma GCC diagnostic pop

namespace pf::test {

void start_counting() {
    allocations_of_ours = 0;
    allocations_in_onednn = 0;
    counting = true;
}

Counts stop_counting() {
    counting = false;
    return {allocations_of_ours, allocations_in_onednn};
}

void start_refusing(int number) {
    refused = false;
    allocations_left = number;
}

bool stop_refusing() {
    allocations_left = -1;
    return refused;
}

int num_blocks() {
    return blocks;
}

}  // namespace pf::test
