// Through the C interface, the caller's floating-point state changes no bit, and comes back.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>
#include <xmmintrin.h>

#include <cfenv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/api_handles.hpp"
#include "tests/support/blocked_map.hpp"

namespace pf::test {
namespace {

constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;

std::uint16_t x87_control() {
    std::uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

// What a host process may have left behind: another rounding, subnormal numbers as zeros, an x87
// that rounds to double.
class CallerState {
  public:
    CallerState(int rounding, unsigned flags) {
        std::fegetenv(&before_);
        std::fesetround(rounding);
        _mm_setcsr(_mm_getcsr() | flags);
        const auto rounds_to_double = static_cast<std::uint16_t>(x87_control() & ~0x0100);
        __asm__ volatile("fldcw %0" : : "m"(rounds_to_double));
    }
    ~CallerState() { std::fesetenv(&before_); }
    CallerState(const CallerState&) = delete;
    CallerState& operator=(const CallerState&) = delete;

  private:
    std::fenv_t before_;
};

struct Results {
    std::string compiled;
    std::vector<float> planes, logits;
};

// The model as it is loaded from a folder, with a photo and an image of bytes, whose levels are
// computed when the session is made.
Results load_and_run(const std::string& path, const std::string& file) {
    Results results;
    const ModelHandle model = load(path);
    REQUIRE(pf_model_save_compiled(model.get(), file.c_str()) == PF_OK);
    results.compiled = content_of(file);

    std::vector<std::uint8_t> rgb(3 * 50 * 70);
    for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(i * 37 % 251);
    results.planes.resize(3 * kSide * kSide);
    REQUIRE(pf_preprocess(model.get(), rgb.data(), 50, 70, 3 * 70, results.planes.data()) == PF_OK);

    auto options = sized<pf_session_options>();
    options.input_format = PF_INPUT_NHWC_U8;
    options.num_threads = 2;
    const SessionHandle session = open(model.get(), &options);
    results.logits.resize(kClasses);
    auto run = sized<pf_run>();
    run.input = rgb.data();
    run.input_bytes = 3 * kSide * kSide;
    run.logits = results.logits.data();
    run.num_logits = kClasses;
    REQUIRE(pf_session_run_with(session.get(), &run) == PF_OK);
    return results;
}

}  // namespace

TEST_CASE("C API: loading, pre-processing and running ignore the caller's floating-point state") {
    Description description = tiny_description({.image_size = kSide, .classes = kClasses});
    // In the file it is a little more. Read as more, it would be another float.
    description.input.mean[0] = 0.5 + 0x1p-25;
    const TemporaryFolder folder;
    write_model(folder, description, hash_weights(description, 1));
    const std::string path = folder.path(), file = folder.path("model.pf");
    const Results expected = load_and_run(path, file);
    for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        for (const unsigned flags : {0u, kFlushToZero | kDenormalsAreZero}) {
            Results found;
            unsigned before = 0, after = 0, x87_before = 0, x87_after = 0;
            {
                const CallerState caller(rounding, flags);
                before = _mm_getcsr();
                x87_before = x87_control();
                found = load_and_run(path, file);
                after = _mm_getcsr();
                x87_after = x87_control();
            }
            CAPTURE(rounding);
            CAPTURE(flags);
            CHECK(found.compiled == expected.compiled);
            CHECK(same_bits(found.planes, expected.planes));
            CHECK(same_bits(found.logits, expected.logits));
            CHECK(x87_after == x87_before);
            CHECK(after == before);
        }
    }
}

TEST_CASE("C API: allocator functions are called in the library's floating-point state") {
    struct States {
        std::vector<unsigned> seen;
        static void* allocate(void* user, std::size_t bytes, std::size_t alignment) {
            static_cast<States*>(user)->seen.push_back(_mm_getcsr());
            return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
        }
        static void deallocate(void* user, void* memory, std::size_t) {
            static_cast<States*>(user)->seen.push_back(_mm_getcsr());
            std::free(memory);
        }
    } states;
    states.seen.reserve(4);
    const pf_allocator allocator{&States::allocate, &States::deallocate, &states};
    const Folder folder;
    auto model_options = sized<pf_model_options>();
    model_options.allocator = &allocator;
    auto options = session_options(0, 0, 1);
    options.allocator = &allocator;
    {
        const CallerState caller(FE_UPWARD, kFlushToZero | kDenormalsAreZero);
        const ModelHandle model = load(folder.folder.path(), &model_options);
        const SessionHandle session = open(model.get(), &options);
    }
    REQUIRE(states.seen.size() == 4);
    constexpr unsigned kFlags = 0x3f;  // of exceptions that have happened
    for (const unsigned state : states.seen) CHECK((state & ~kFlags) == 0x1f80);
}

}  // namespace pf::test
