// A session that is entered while it runs: the second caller is told, the first one never notices.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "tests/support/blocked_map.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// An input whose pages cannot be read until release(): a run of it stops at the fault, wherever its
// caller and its workers first read. So a test can do something while the run is under way.
class HeldInput {
  public:
    explicit HeldInput(const std::vector<float>& image)
        : size_bytes_(image.size() * sizeof(float)) {
        data_ = static_cast<float*>(
            mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(data_ != MAP_FAILED);
        std::copy(image.begin(), image.end(), data_);
        REQUIRE(mprotect(data_, size_bytes_, PROT_NONE) == 0);
        current_ = this;
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO;
        REQUIRE(sigaction(SIGSEGV, &action, &before_) == 0);
    }
    ~HeldInput() {
        sigaction(SIGSEGV, &before_, nullptr);
        munmap(data_, size_bytes_);
    }
    HeldInput(const HeldInput&) = delete;
    HeldInput& operator=(const HeldInput&) = delete;

    const float* data() const { return data_; }
    bool is_reached() const { return is_reached_; }
    void release() {
        CHECK(mprotect(data_, size_bytes_, PROT_READ) == 0);
        is_released_ = true;
    }

  private:
    static void on_fault(int, siginfo_t* info, void*) {
        if (!current_->has(info->si_addr)) {
            signal(SIGSEGV, SIG_DFL);  // it comes again, and ends the program
            return;
        }
        current_->is_reached_ = true;
        while (!current_->is_released_) sched_yield();
    }
    bool has(const void* address) const {
        const auto* byte = static_cast<const std::byte*>(address);
        const auto* first = reinterpret_cast<const std::byte*>(data_);
        return byte >= first && byte < first + size_bytes_;
    }

    static inline HeldInput* current_ = nullptr;
    std::atomic<bool> is_reached_{false};
    std::atomic<bool> is_released_{false};
    float* data_ = nullptr;
    std::size_t size_bytes_ = 0;
    struct sigaction before_ = {};
};

}  // namespace

TEST_SUITE("threads") {
    TEST_CASE("session: whoever enters it during a run is told that it is busy") {
        const auto model = compile_model(tiny_model(), chosen_kernels());
        const std::vector<float> image = hash_floats(3 * 40 * 40, 71);
        for (const std::size_t num_threads : {1, 2}) {
            CAPTURE(num_threads);
            const auto session = make_session(model, 40, 40, num_threads);
            const std::vector<float> expected = run(*session, image);
            HeldInput held(image);
            std::vector<float> logits(expected.size());
            std::atomic<bool> is_over{false};
            bool is_done = false;
            std::thread caller([&] {
                is_done = static_cast<bool>(session->run(held.data(), 1, logits.data()));
                is_over = true;
            });
            while (!held.is_reached() && !is_over) std::this_thread::yield();
            const bool is_running = !is_over;
            std::vector<float> untouched(expected.size(), -1.0f);
            const Status second = session->run(image.data(), 1, untouched.data());
            held.release();
            caller.join();
            CHECK(is_running);
            REQUIRE_FALSE(second);
            CHECK(second.error().code == ErrorCode::busy);
            CHECK(untouched == std::vector<float>(expected.size(), -1.0f));
            CHECK(is_done);
            CHECK(same_bits(logits, expected));
            CHECK(same_bits(run(*session, image), expected));
        }
    }
}

}  // namespace pf::test
