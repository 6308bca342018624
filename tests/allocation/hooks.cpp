// Every allocation of the process, counted by who asks, and refused on demand.
// SPDX-License-Identifier: Apache-2.0
#include "tests/allocation/hooks.hpp"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations_of_ours{0};
std::atomic<int> allocations_of_onednn{0};
std::atomic<int> allocations_left{-1};    // before one is refused; negative: none will be
std::atomic<bool> refuses_onednn{false};  // else this program
std::atomic<bool> refused{false};
std::atomic<long> blocks{0};
std::atomic<long> mapped_bytes{0};
std::atomic<int> executions{0};
std::atomic<int> primitive_status{0};  // 0: what oneDNN says

// Where a library is loaded.
struct Place {
    const char* name;  // part of it; "" is this program
    std::uintptr_t begin = UINTPTR_MAX, end = 0;

    bool contains(std::uintptr_t address) const { return begin <= address && address < end; }
};

int look_at_library(dl_phdr_info* info, std::size_t, void* data) {
    auto& place = *static_cast<Place*>(data);
    const bool is_it = *place.name == '\0' ? *info->dlpi_name == '\0'
                                           : std::strstr(info->dlpi_name, place.name) != nullptr;
    for (int i = 0; is_it && i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        place.begin = std::min(place.begin, info->dlpi_addr + segment.p_vaddr);
        place.end = std::max(place.end, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
    }
    return is_it;
}

Place find_library(const char* name) {
    Place place{name};
    dl_iterate_phdr(&look_at_library, &place);
    return place;
}

// The way out from whoever called an allocation function to the library that wanted it.
struct Search {
    std::uintptr_t caller;  // the address it returns to
    bool is_past_caller = false;
    bool is_onednn = false;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context* context, void* data) {
    static const Place program = find_library(""), onednn = find_library("libdnnl");
    auto& search = *static_cast<Search*>(data);
    const std::uintptr_t address = _Unwind_GetIP(context);
    search.is_past_caller = search.is_past_caller || address == search.caller;
    if (!search.is_past_caller) return _URC_NO_REASON;
    search.is_onednn = onednn.contains(address);
    const bool is_found = search.is_onednn || program.contains(address);
    return is_found ? _URC_END_OF_STACK : _URC_NO_REASON;
}

bool is_for_onednn(const void* caller) {
    Search search{reinterpret_cast<std::uintptr_t>(caller)};
    _Unwind_Backtrace(&look_at_frame, &search);
    return search.is_onednn;
}

// Whether an allocation may go on; `caller` is what its function returns to.
bool admit(const void* caller) {
    if (!counting && allocations_left < 0) return true;
    const bool is_onednn = is_for_onednn(caller);
    if (counting) ++(is_onednn ? allocations_of_onednn : allocations_of_ours);
    if (is_onednn != refuses_onednn || allocations_left < 0) return true;
    if (allocations_left.fetch_sub(1) != 0) return true;
    refused = true;
    errno = ENOMEM;
    return false;
}

void* note(void* memory) {
    if (memory != nullptr) ++blocks;
    return memory;
}

}  // namespace

// In front of the C library's own, whoever calls: the executable, oneDNN or the C++ library.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

void* malloc(std::size_t size) {
    return admit(__builtin_return_address(0)) ? note(__libc_malloc(size)) : nullptr;
}
void* calloc(std::size_t number, std::size_t size) {
    return admit(__builtin_return_address(0)) ? note(__libc_calloc(number, size)) : nullptr;
}
void* realloc(void* memory, std::size_t size) {
    if (!admit(__builtin_return_address(0))) return nullptr;
    void* moved = __libc_realloc(memory, size);
    return memory == nullptr ? note(moved) : moved;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return admit(__builtin_return_address(0)) ? note(__libc_memalign(alignment, size)) : nullptr;
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    *memory = admit(__builtin_return_address(0)) ? note(__libc_memalign(alignment, size)) : nullptr;
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
    if (!admit(__builtin_return_address(0))) return MAP_FAILED;
    void* mapping = __real_mmap(address, size, protection, flags, file, offset);
    if (mapping != MAP_FAILED) mapped_bytes += static_cast<long>(size);
    return mapping;
}
int __real_munmap(void* address, std::size_t size);
int __wrap_munmap(void* address, std::size_t size) {
    mapped_bytes -= static_cast<long>(size);
    return __real_munmap(address, size);
}

int __real_dnnl_primitive_create(void** primitive, const void* description);
int __wrap_dnnl_primitive_create(void** primitive, const void* description) {
    const int status = primitive_status.exchange(0);
    return status != 0 ? status : __real_dnnl_primitive_create(primitive, description);
}

int __real_dnnl_primitive_execute(const void* primitive, void* stream, int number,
                                  const void* arguments);
int __wrap_dnnl_primitive_execute(const void* primitive, void* stream, int number,
                                  const void* arguments) {
    ++executions;
    const int status = primitive_status.exchange(0);
    return status != 0 ? status
                       : __real_dnnl_primitive_execute(primitive, stream, number, arguments);
}
}

namespace pf::test {

void start_counting() {
    allocations_of_ours = 0;
    allocations_of_onednn = 0;
    executions = 0;
    counting = true;
}

Counts stop_counting() {
    counting = false;
    return {allocations_of_ours, allocations_of_onednn, executions};
}

void start_refusing(Asker asker, int number) {
    refuses_onednn = asker == Asker::onednn;
    refused = false;
    allocations_left = number;
}

bool stop_refusing() {
    allocations_left = -1;
    return refused;
}

void fail_next_primitive(int status) {
    primitive_status = status;
}

Held held() {
    Held now{blocks, mapped_bytes};
    constexpr int kMaxFiles = 256;  // more than a test has
    for (int file = 0; file < kMaxFiles; ++file) now.files += fcntl(file, F_GETFD) >= 0;
    return now;
}

}  // namespace pf::test
