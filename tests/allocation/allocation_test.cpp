// Running a session allocates nothing of ours: every allocation of the process is counted.
// SPDX-License-Identifier: Apache-2.0
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <errno.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "kernels/onednn/convolution.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations_of_ours{0};
std::atomic<int> allocations_in_onednn{0};
thread_local bool in_onednn = false;

void count() {
    if (!counting.load(std::memory_order_relaxed)) return;
    ++(in_onednn ? allocations_in_onednn : allocations_of_ours);
}

}  // namespace

// In front of the C library's own, whoever calls: the executable, oneDNN or the C++ library.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
    count();
    return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) {
    count();
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    count();
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

// The linker sends the engine's calls of these two functions here (CMakeLists.txt).
void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file,
                  off_t offset);
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file,
                  off_t offset) {
    count();
    return __real_mmap(address, size, protection, flags, file, offset);
}

bool __real__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(
    pf::kernels::Convolution* convolution, const float* src, const float* weights,
    const float* bias, float* dst, std::byte* scratch) noexcept;
bool __wrap__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(
    pf::kernels::Convolution* convolution, const float* src, const float* weights,
    const float* bias, float* dst, std::byte* scratch) noexcept {
    in_onednn = true;
    const bool done = __real__ZN2pf7kernels11Convolution7executeEPKfS3_S3_PfPSt4byte(
        convolution, src, weights, bias, dst, scratch);
    in_onednn = false;
    return done;
}
}

namespace pf::test {
namespace {

constexpr std::size_t kSide = 40;
constexpr std::size_t kBatch = 3;

struct Counts {
    int ours = 0;
    int onednn = 0;
};

template <class Body>
Counts count_during(const Body& body) {
    allocations_of_ours = 0;
    allocations_in_onednn = 0;
    counting = true;
    body();
    counting = false;
    return {allocations_of_ours, allocations_in_onednn};
}

}  // namespace

TEST_CASE("the counters see each way of asking for memory") {
    void* volatile kept = nullptr;  // an allocation nobody looks at may be optimised away
    CHECK(count_during([&] { kept = std::malloc(8); }).ours == 1);
    CHECK(count_during([&] { kept = std::realloc(kept, 4000); }).ours == 1);
    std::free(kept);
    CHECK(count_during([&] { kept = new int; }).ours == 1);
    delete static_cast<int*>(kept);
    CHECK(count_during([&] { kept = new (std::align_val_t(64)) char[64]; }).ours == 1);
    operator delete[](kept, std::align_val_t(64));
    CHECK(count_during([] { CHECK(AlignedBuffer::allocate(16)); }).ours >= 1);
}

TEST_CASE("running a session allocates nothing outside oneDNN") {
    const std::vector<float> images = hash_floats(kBatch * 3 * kSide * kSide, 81);
    for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        const LoadedModel loaded = tiny_model({.channels = {20, 36}, .head_order = head_order});
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            for (const std::size_t num_threads : {1, 2, 3}) {
                const auto session =
                    make_session(compile_model(loaded, *table), kSide, kSide, num_threads);
                std::vector<float> logits(kBatch * 5);
                bool done = false;
                const auto first = count_during(
                    [&] { done = bool(session->run(images.data(), kBatch, logits.data())); });
                CHECK(done);
                CHECK(first.ours == 0);  // not even the first time
                const auto again = count_during(
                    [&] { done = bool(session->run(images.data(), kBatch, logits.data())); });
                CHECK(done);
                CHECK(again.ours == 0);
                CHECK(again.onednn > 0);  // or the wrapped function is not the one that ran
                MESSAGE(std::string(table->name)
                        << ", " << num_threads << " threads: " << again.onednn
                        << " allocations in oneDNN for " << kBatch << " images");

                std::vector<std::vector<float>> maps;
                std::vector<float*> taps;
                for (std::size_t i = 0; i < session->model().taps.size(); ++i) {
                    const MapPlan& shape = session->tap_shape(i);
                    taps.push_back(maps.emplace_back(shape.channels * shape.pixels()).data());
                }
                const auto tapped = count_during(
                    [&] { done = bool(session->run_tapped(images.data(), logits.data(), taps)); });
                CHECK(done);
                CHECK(tapped.ours == 0);
            }
        }
    }
}

}  // namespace pf::test
