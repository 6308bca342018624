// Fuzz target: a compiled file, rightly signed, is refused or loads and runs.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "engine/compile/compiled_file.hpp"
#include "engine/run/session.hpp"
#include "tests/fuzz/fuzz_defaults.hpp"
#include "tests/support/compiled_bytes.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kMaxPixels = 64 * 64;  // of an input that is worth its time

void run_model(std::shared_ptr<const Model> model) {
    const Input& input = model->description.input;
    if (input.height * input.width > kMaxPixels) return;
    const auto session = Session::create(model, {});
    if (!session) return;
    const std::vector<float> image(3 * input.height * input.width, 0.5f);
    std::vector<float> logits(model->description.head.classes);
    if (!(*session)->run(image.data(), 1, logits.data())) std::abort();
}

void load_and_run(std::span<const std::byte> input) {
    AlignedBytes file = resized(input, input.size());
    sign(file.bytes());
    auto model = load_compiled_bytes(file.bytes(), "fuzz.pf", {});
    if (model) run_model(std::make_shared<const Model>(std::move(*model)));
}

Seeds make_seeds() {
    Seeds seeds;
    for (const HeadOrder order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        for (const std::size_t image_size : {16, 80}) {  // 80: winograd_convolution
            const AlignedBytes file = compiled_bytes(tiny_model({.depths = {1, 1},
                                                                 .channels = {2, 3},
                                                                 .image_size = image_size,
                                                                 .head_order = order}));
            seeds.emplace_back(file.bytes().begin(), file.bytes().end());
        }
    }
    return seeds;
}

}  // namespace
}  // namespace pf::test

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    pf::test::add_fuzz_defaults(argc, argv, pf::test::make_seeds(), {"-max_len=131072"});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    pf::test::load_and_run(std::as_bytes(std::span(data, size)));
    return 0;
}
