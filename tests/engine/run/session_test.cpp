// The fast executor against the interpreter on tiny networks, on every instruction set.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/session.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/graph_checks.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/tiny_models.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {
namespace {

struct Size {
    std::size_t height, width;
};

std::vector<float> image_of(Size size, std::size_t batch = 1) {
    return hash_floats(batch * 3 * size.height * size.width, 51);
}

Map logits_map(const std::vector<float>& logits) {
    return {logits.size(), 1, 1, {logits.begin(), logits.end()}};
}

// Logits and every tap, on every instruction set.
void check_size(const LoadedModel& loaded, Size size, const Tolerance& tolerance) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const std::vector<float> image = image_of(size);
    const Interpretation exact = interpret_model(loaded, image, size.height, size.width);
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        CAPTURE(std::string(table->name));
        const auto model = compile_model(loaded, *table);
        const auto session = make_session(model, size.height, size.width);
        const Tapped found = run_tapped(*session, image);
        CHECK(relative_difference(exact.output, logits_map(found.logits)) <= tolerance.bound(1));
        REQUIRE(found.taps.size() == exact.taps.size());
        for (std::size_t i = 0; i < found.taps.size(); ++i) {
            CAPTURE(model->taps[i]);
            const Map& tap = exact.taps.at(model->taps[i]);
            CHECK(relative_difference(tap, found.taps[i]) <= tolerance.bound(1));
        }
    }
}

void check_size(const LoadedModel& loaded, Size size) {
    check_size(loaded, size, Tolerance{count_roundings(loaded.description)});
}

// The model with some of its tensors changed by `change(tensors)`.
template <class Change>
LoadedModel changed_model(const TinyModel& options, const Change& change) {
    Description description = tiny_description(options);
    TensorMap tensors = hash_weights(description, options.seed);
    change(tensors);
    auto weights =
        Weights::from_bytes(safetensors_bytes(tensors), "changed.safetensors", description);
    REQUIRE(weights);
    return {std::move(description), std::move(*weights)};
}

// fc2's bias lifts the map behind the shift that its statistics were summed around: only the second
// look keeps the variance's digits.
LoadedModel lifted_model(HeadOrder head_order) {
    constexpr float kLift = 16384;
    return changed_model({.depths = {2, 2},
                          .channels = {20, 36},
                          .head_order = head_order,
                          .has_layer_scale = false},
                         [&](TensorMap& tensors) {
                             for (const char* name : {"s0.b0.fc2.bias", "s1.b0.fc2.bias"}) {
                                 for (float& value : tensors.at(name).values) value += kLift;
                             }
                         });
}

}  // namespace

TEST_CASE("session: equals the interpreter at every input size from the smallest") {
    for (const std::size_t image_size : {32, 80}) {  // 80: winograd_convolution
        const LoadedModel loaded = tiny_model({.channels = {20, 36}, .image_size = image_size});
        for (std::size_t side = 3; side <= 40; ++side) check_size(loaded, {side, side});
        for (const Size size : {Size{3, 40}, Size{40, 3}, Size{5, 17}, Size{31, 7}, Size{23, 38}}) {
            check_size(loaded, size);
        }
    }
}

TEST_CASE("session: equals the interpreter with either head and with or without layer scale") {
    for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        for (const bool has_layer_scale : {true, false}) {
            for (const std::vector<std::size_t>& channels :
                 {std::vector<std::size_t>{8, 16}, {20, 36}, {1, 7}, {3, 8}, {33, 64}}) {
                const LoadedModel loaded = tiny_model({.channels = channels,
                                                       .head_order = head_order,
                                                       .has_layer_scale = has_layer_scale,
                                                       .classes = 19});
                for (const Size size : {Size{9, 9}, Size{32, 32}, Size{27, 18}}) {
                    check_size(loaded, size);
                }
            }
        }
    }
}

TEST_CASE("session: equals the interpreter with four stages and several hidden chunks") {
    check_size(tiny_model({.depths = {1, 1, 2, 1}, .channels = {8, 20, 36, 72}}), {65, 70});
}

TEST_CASE("session: the norms see a mean of thousands of standard deviations") {
    for (const Size size : {Size{3, 3}, Size{11, 7}, Size{32, 32}}) {
        for (const HeadOrder head_order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
            const LoadedModel loaded = lifted_model(head_order);
            // The map itself holds its values to half an epsilon of the lift: to every norm that is
            // an error of so many of its own epsilons, the same for any float executor.
            const Tolerance tolerance{count_roundings(loaded.description) + 16 * 1024};
            check_size(loaded, size, tolerance);
        }
    }
}

TEST_SUITE("threads") {
    TEST_CASE("session: a second look at statistics has the same bits for any threads and batch") {
        constexpr Size kSize{65, 50};
        constexpr std::size_t kBatch = 5;
        constexpr int kRepetitions = 4;  // threads seldom get in each other's way
        const LoadedModel loaded = lifted_model(HeadOrder::norm_pool);
        const std::vector<float> images = image_of(kSize, kBatch);
        for (const kernels::KernelTable* table : kernels::runnable_tables()) {
            CAPTURE(std::string(table->name));
            const auto model = compile_model(loaded, *table);
            const auto single = make_session(model, kSize.height, kSize.width);
            const std::vector<float> expected = run(*single, images, kBatch);
            for (const std::size_t num_threads : {2, 3, 5}) {
                for (const std::size_t planned : {std::size_t{1}, kBatch}) {
                    CAPTURE(num_threads);
                    CAPTURE(planned);
                    const auto session = make_session(model, {.input_height = kSize.height,
                                                              .input_width = kSize.width,
                                                              .num_threads = num_threads,
                                                              .batch = planned});
                    for (int i = 0; i < kRepetitions; ++i) {
                        CHECK(same_bits(run(*session, images, kBatch), expected));
                    }
                }
            }
        }
    }
}

TEST_CASE("session: the image itself may have a far mean") {
    const LoadedModel loaded = changed_model({}, [](TensorMap& tensors) {
        for (float& value : tensors.at("embed.0.bias").values) value += 1000;
    });
    check_size(loaded, {33, 21}, Tolerance{count_roundings(loaded.description) + 1024});
}

TEST_CASE("session: an input without an output is refused by name") {
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        const auto model = compile_model(tiny_model(), *table);
        for (const Size size : {Size{2, 32}, Size{32, 1}}) {
            const auto session =
                Session::create(model, {.input_height = size.height, .input_width = size.width});
            check_error(session, ErrorCode::invalid_argument,
                        {"too small", "embed.0", "kernel 7", "expected at least 3x3"});
        }
        check_error(Session::create(model, {.input_height = 16385, .input_width = 32}),
                    ErrorCode::invalid_argument, {"16385x32", "too large"});
        check_error(Session::create(model, {.input_height = 32, .input_width = 16385}),
                    ErrorCode::invalid_argument, {"32x16385", "too large"});
        check_error(Session::create(model, {.num_threads = 0}), ErrorCode::invalid_argument,
                    {"num_threads: found 0"});
        check_error(Session::create(model, {.num_threads = 1025}), ErrorCode::invalid_argument,
                    {"num_threads: found 1025"});
    }
}

// Where oneDNN is quick only if the source's border is written out, into scratch memory.
TEST_CASE("session: a stem whose source is padded in memory of the session's") {
    Description description = tiny_description();
    description.patch_embeddings[0] = {.kernel = 7, .stride = 64, .padding = 6};
    const LoadedModel loaded{description, hash_loaded_weights(description, 1)};
    check_size(loaded, {300, 300});
}

TEST_CASE("session: values whose squares overflow give NaN, never numbers that look right") {
    const LoadedModel loaded = tiny_model();
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        CAPTURE(std::string(table->name));
        const auto session = make_session(compile_model(loaded, *table), 32, 32);
        for (const float scale : {1e15f, 1e25f}) {
            std::vector<float> image = image_of({32, 32});
            for (float& value : image) value *= scale;
            for (const float logit : run(*session, image)) {
                CHECK(std::isfinite(logit) == (scale == 1e15f));
            }
        }
    }
}

TEST_CASE("session: has memory for one image unless it is planned for as many as threads") {
    const auto model = compile_model(tiny_model({.image_size = 128}), chosen_kernels());
    const auto arena_bytes = [&](std::size_t batch) {
        return make_session(model, {.num_threads = 4, .batch = batch})->arena_bytes();
    };
    CHECK(arena_bytes(3) == arena_bytes(1));
    CHECK(arena_bytes(4) > arena_bytes(1));
    CHECK(arena_bytes(9) == arena_bytes(4));
}

TEST_CASE("session: without a size it takes the description's") {
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        const auto model = compile_model(tiny_model({.image_size = 29}), *table);
        const auto session = Session::create(model, {});
        REQUIRE(session);
        CHECK((*session)->plan().input_height == 29);
        CHECK((*session)->plan().input_width == 29);
    }
}

}  // namespace pf::test
