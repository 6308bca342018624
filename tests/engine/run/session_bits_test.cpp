// What must not change a bit of a session's result, and what a bad image may reach.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <xmmintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kHeight = 37, kWidth = 26;
constexpr std::size_t kFloats = 3 * kHeight * kWidth;  // of an image
constexpr std::size_t kClasses = 67;  // three panels of AVX-512, one for each of three threads
constexpr std::size_t kBatch = 5;

// All kernels: for images of 80x80 the second stage's embedding is winograd, the third's gemm. The
// first stage has a block that writes over the map of the one before it.
LoadedModel network(HeadOrder head_order = HeadOrder::norm_pool) {
    return tiny_model({.depths = {2, 1, 1},
                       .channels = {20, 36, 20},
                       .image_size = 80,
                       .head_order = head_order,
                       .classes = kClasses});
}

std::vector<float> images() {
    return hash_floats(kBatch * kFloats, 61);
}

template <class T>
std::vector<T> part(const std::vector<T>& all, std::size_t index, std::size_t size) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(index * size);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

// The state of this thread's floating-point unit, for as long as it lives.
class CallerState {
  public:
    explicit CallerState(unsigned state) : before_(_mm_getcsr()) { _mm_setcsr(state); }
    ~CallerState() { _mm_setcsr(before_); }
    CallerState(const CallerState&) = delete;
    CallerState& operator=(const CallerState&) = delete;

  private:
    unsigned before_;
};

// Without a bias anywhere, so that nothing drowns the tiniest number.
LoadedModel network_without_biases() {
    LoadedModel network = test::network();
    TensorMap tensors = hash_weights(network.description, 1);
    for (auto& [name, tensor] : tensors) {
        if (name.ends_with(".bias")) std::fill(tensor.values.begin(), tensor.values.end(), 0.0f);
    }
    auto weights =
        Weights::from_bytes(safetensors_bytes(tensors), "test.safetensors", network.description);
    REQUIRE(weights);
    network.weights = std::move(*weights);
    return network;
}

void check_all_are_zero(const Tapped& found) {
    CHECK(found.logits == std::vector<float>(kClasses));
    for (const auto& tap : found.taps) {
        CHECK(std::all_of(tap.data.begin(), tap.data.end(), [](float v) { return v == 0; }));
    }
}

}  // namespace

TEST_SUITE("threads") {
    TEST_CASE("session: the same bits for any threads, batch, batch position and repetition") {
        for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
            for (const kernels::KernelTable* table : kernels::runnable_tables()) {
                CAPTURE(std::string(table->name));
                const auto model = compile_model(network(head_order), *table);
                const std::vector<float> input = images();
                std::vector<float> expected;  // image by image
                const auto single = make_session(model, kHeight, kWidth);
                for (std::size_t n = 0; n < kBatch; ++n) {
                    const auto logits = run(*single, part(input, n, kFloats));
                    expected.insert(expected.end(), logits.begin(), logits.end());
                }
                for (const std::size_t num_threads : {1, 2, 3, 5}) {
                    CAPTURE(num_threads);
                    const auto session = make_session(model, kHeight, kWidth, num_threads);
                    // More threads than cores wait for each other long: they run the batch once.
                    const std::size_t first = num_threads <= 2 ? 1 : kBatch;
                    for (std::size_t batch = first; batch <= kBatch; ++batch) {
                        const auto found = run(*session, input, batch);
                        CHECK(same_bits(found, part(expected, 0, batch * kClasses)));
                    }
                    CHECK(same_bits(run(*session, input, kBatch), expected));
                    // Whole images to threads, and shares of what is left over.
                    const auto planned = make_session(model, {.input_height = kHeight,
                                                              .input_width = kWidth,
                                                              .num_threads = num_threads,
                                                              .batch = kBatch});
                    for (std::size_t batch = first; batch <= kBatch; ++batch) {
                        CAPTURE(batch);
                        CHECK(same_bits(run(*planned, input, batch),
                                        part(expected, 0, batch * kClasses)));
                    }
                }
            }
        }
    }

    // Up to 3 threads share the embeddings by pixels here, 5 by channels.
    TEST_CASE("session: the same bits for any threads where embeddings have more pixels") {
        constexpr std::size_t kSide = 100;
        const std::vector<float> image = hash_floats(3 * kSide * kSide, 63);
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            CAPTURE(std::string(table->name));
            const auto model = compile_model(network(), *table);
            const std::vector<float> expected = run(*make_session(model, kSide, kSide), image);
            for (const std::size_t num_threads : {2, 3, 5}) {
                CAPTURE(num_threads);
                const auto session = make_session(model, kSide, kSide, num_threads);
                CHECK(same_bits(run(*session, image), expected));
            }
        }
    }

    TEST_CASE("session: the same bits with taps, with some of them, and for any threads") {
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            CAPTURE(std::string(table->name));
            const auto model = compile_model(network(), *table);
            const std::vector<float> image = part(images(), 0, kFloats);
            const auto single = make_session(model, kHeight, kWidth);
            const std::vector<float> expected = run(*single, image);
            const Tapped tapped = run_tapped(*single, image);
            CHECK(same_bits(tapped.logits, expected));
            for (const std::size_t num_threads : {2, 3, 5}) {
                const auto session = make_session(model, kHeight, kWidth, num_threads);
                const Tapped found = run_tapped(*session, image);
                CHECK(same_bits(found.logits, expected));
                for (std::size_t i = 0; i < tapped.taps.size(); ++i) {
                    CHECK(found.taps[i].data == tapped.taps[i].data);
                }
                std::vector<float> logits(kClasses);
                std::vector<float*> none(model->taps.size(), nullptr);
                CHECK(session->run({.input = image.data(), .logits = logits.data(), .taps = none}));
                CHECK(same_bits(logits, expected));
            }
        }
    }
}

TEST_CASE("session: the same bits for input and logits anywhere, and nothing beyond them") {
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        CAPTURE(std::string(table->name));
        const auto model = compile_model(network(), *table);
        const std::vector<float> image = part(images(), 0, kFloats);
        const auto session = make_session(model, kHeight, kWidth);
        const std::vector<float> expected = run(*session, image);
        for (const auto place : {GuardedBuffer::Place::at_end, GuardedBuffer::Place::at_begin,
                                 GuardedBuffer::Place::misaligned}) {
            const GuardedBuffer input(image, place);
            GuardedBuffer logits(kClasses, place);
            CHECK(session->run(input.data(), 1, logits.data()));
            CHECK(same_bits(logits.floats(), expected));
            CHECK(input.intact());
            CHECK(logits.intact());
        }
    }
}

TEST_CASE("session: NaN and infinity in an image reach its own logits only") {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
            for (const kernels::KernelTable* table : kernels::runnable_tables()) {
                CAPTURE(std::string(table->name));
                const auto model = compile_model(network(head_order), *table);
                const auto session = make_session(model, kHeight, kWidth);
                std::vector<float> input = images();
                const std::vector<float> clean = run(*session, input, kBatch);
                input[2 * kFloats + 777] = bad;
                const std::vector<float> found = run(*session, input, kBatch);
                for (std::size_t n = 0; n < kBatch; ++n) {
                    const auto logits = part(found, n, kClasses);
                    if (n == 2) {
                        for (const float logit : logits) CHECK(std::isnan(logit));
                    } else {
                        CHECK(same_bits(logits, part(clean, n, kClasses)));
                    }
                }
            }
        }
    }
}

TEST_CASE("session: the caller's floating-point state changes nothing, and comes back") {
    constexpr unsigned kDefault = 0x1f80, kRoundUp = 0x4000, kRoundToZero = 0x6000;
    constexpr unsigned kFlush = 0x8040, kTrapInvalid = 0x1f00, kSawInexact = 0x0020;
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        CAPTURE(std::string(table->name));
        const auto model = compile_model(network(), *table);
        std::vector<float> image = part(images(), 0, kFloats);
        for (std::size_t i = 0; i < kFloats; i += 7) image[i] *= 1e-40f;  // subnormal numbers
        const auto session = make_session(model, kHeight, kWidth, 2);
        const std::vector<float> expected = run(*session, image);
        for (const unsigned state :
             {kDefault, kDefault | kRoundUp, kDefault | kRoundToZero, kDefault | kFlush,
              kDefault | kRoundUp | kSawInexact, kTrapInvalid}) {
            CAPTURE(state);
            std::vector<float> logits(kClasses);
            unsigned after = 0;
            bool done = false;
            {
                const CallerState caller(state);
                done = static_cast<bool>(session->run(image.data(), 1, logits.data()));
                after = _mm_getcsr();
            }
            CHECK(done);
            CHECK(after == state);
            CHECK(same_bits(logits, expected));
        }
    }
}

// All that is computed from it is subnormal, too, and so zero: on every thread of a team, or some
// of a map is not.
TEST_CASE("session: subnormal numbers are zeros on all threads") {
    const std::vector<float> image(kFloats, 1e-40f);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        CAPTURE(std::string(table->name));
        const auto model = compile_model(network_without_biases(), *table);
        for (const std::size_t num_threads : {1, 2, 3, 5}) {
            CAPTURE(num_threads);
            const auto session = make_session(model, kHeight, kWidth, num_threads);
            check_all_are_zero(run_tapped(*session, image));
        }
        // A caller that finds its team busy, with itself, works alone.
        auto team = ThreadTeam::create(2, {});
        REQUIRE(team);
        const std::shared_ptr<ThreadTeam> shared = std::move(*team);
        const auto session =
            make_session(model, {.input_height = kHeight, .input_width = kWidth, .team = shared});
        CHECK(shared->try_run([&](std::size_t thread) {
            if (thread == 0) check_all_are_zero(run_tapped(*session, image));
        }));
    }
}

}  // namespace pf::test
