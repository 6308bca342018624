// Fuzz target: model.json and model.safetensors, from text to logits.
// SPDX-License-Identifier: Apache-2.0
//
// An input is the text of model.json, then optionally a zero byte and the bytes of
// model.safetensors. Without those the weights are made to fit the description, so that changed
// descriptions get further than the loader.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "engine/compile/compile.hpp"
#include "engine/graph/graph.hpp"
#include "engine/interpret/interpret.hpp"
#include "engine/run/session.hpp"
#include "kernels/dispatch.hpp"
#include "tests/fuzz/fuzz_defaults.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// What one input may cost, so that an honest run stays far below the time limit.
constexpr double kMaxParameters = 20'000;
constexpr double kMaxMultiplyAdds = 500'000;

double num_parameters(const Description& description) {
    double count = 0;
    for (const TensorSpec& spec : expected_tensors(description)) {
        double size = 1;
        for (const std::size_t extent : spec.shape) size *= static_cast<double>(extent);
        count += size;
    }
    return count;
}

// Multiply-adds of one image, with a pool counted by its window; an upper bound when a convolution
// has no output.
double multiply_adds(const Description& description) {
    double total = 0;
    double height = static_cast<double>(description.input.height);
    double width = static_cast<double>(description.input.width);
    double channels = 3;
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        const Stage& stage = description.stages[i];
        const PatchEmbedding& window = description.patch_embeddings[i];
        const auto kernel = static_cast<double>(window.kernel);
        const auto stride = static_cast<double>(window.stride);
        const double border = 2 * static_cast<double>(window.padding) - kernel;
        height = (height + border) / stride + 1;
        width = (width + border) / stride + 1;
        const auto out = static_cast<double>(stage.channels);
        const auto pool = static_cast<double>(stage.token_mixer.size);
        const auto ratio = static_cast<double>(stage.mlp.ratio);
        const double block = out * (pool * pool + 16) + 2 * ratio * out * out;
        total += height * width *
                 (channels * out * kernel * kernel + static_cast<double>(stage.depth) * block);
        channels = out;
    }
    return total;
}

// The bytes behind the zero byte, or weights made to fit; none if those would be too many.
std::optional<std::vector<std::byte>> weight_bytes(std::span<const std::byte> input,
                                                   std::size_t text_size,
                                                   const Description& description) {
    if (text_size < input.size()) {
        const auto rest = input.subspan(text_size + 1);
        return std::vector<std::byte>(rest.begin(), rest.end());
    }
    if (num_parameters(description) > kMaxParameters) return std::nullopt;
    return safetensors_bytes(hash_weights(description, 1));
}

std::vector<float> make_image(const Input& input) {
    std::vector<float> image(3 * input.height * input.width);
    for (std::size_t i = 0; i < image.size(); ++i) {
        image[i] = static_cast<float>(i % 17) / 8.0f - 1.0f;
    }
    return image;
}

// What the fused executor does not run, the interpreter does.
void interpret_model(const LoadedModel& loaded) {
    const auto graph = build_graph(loaded.description, loaded.weights);
    if (!graph) return;
    const Input& input = loaded.description.input;
    const std::vector<float> image = make_image(input);
    const Map map{3, input.height, input.width, {image.begin(), image.end()}};
    const auto result = interpret(*graph, map);
    if (result && result->output.data.size() != loaded.description.head.classes) std::abort();
}

// Runs the model twice; both times must give the same bits.
void run_model(Model compiled) {
    const auto model = std::make_shared<const Model>(std::move(compiled));
    const auto session = Session::create(model, {});
    if (!session) return;
    const std::vector<float> image = make_image(model->description.input);
    std::vector<float> first(model->description.head.classes);
    std::vector<float> second(first.size());
    if (!(*session)->run(image.data(), 1, first.data())) std::abort();
    if (!(*session)->run(image.data(), 1, second.data())) std::abort();
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) != 0) std::abort();
}

void load_and_run(std::span<const std::byte> input) {
    const std::string_view all(reinterpret_cast<const char*>(input.data()), input.size());
    const std::string_view text = all.substr(0, all.find('\0'));
    auto description = parse_description(text, "model.json");
    if (!description) return;
    auto bytes = weight_bytes(input, text.size(), *description);
    if (!bytes) return;
    auto weights = Weights::from_bytes(std::move(*bytes), "model.safetensors", *description);
    if (!weights || multiply_adds(*description) > kMaxMultiplyAdds) return;
    const LoadedModel loaded{std::move(*description), std::move(*weights)};
    const auto& tables = kernels::runnable_tables();
    auto model = compile(loaded, *tables[text.size() % tables.size()]);
    if (model) {
        run_model(std::move(*model));
    } else {
        interpret_model(loaded);
    }
}

std::vector<std::byte> seed(const Description& description, bool has_weights) {
    const std::string text = model_json(description);
    const auto json = std::as_bytes(std::span(text));
    std::vector<std::byte> bytes(json.begin(), json.end());
    if (!has_weights) return bytes;
    bytes.push_back(std::byte{0});
    const auto weights = safetensors_bytes(hash_weights(description, 1));
    bytes.insert(bytes.end(), weights.begin(), weights.end());
    return bytes;
}

Seeds make_seeds() {
    TinyModel options;
    options.depths = {1, 1};
    options.channels = {2, 3};
    options.image_size = 16;
    Seeds seeds = {seed(tiny_description(options), false), seed(tiny_description(options), true)};
    options.image_size = 80;  // winograd_convolution
    seeds.push_back(seed(tiny_description(options), true));
    options.image_size = 16;
    options.head_order = HeadOrder::pool_norm;
    options.has_layer_scale = false;
    Description description = tiny_description(options);
    description.labels = {"a", "b", "c", "d", "e"};
    seeds.push_back(seed(description, false));
    description.stages[0].norm = {NormKind::batch_norm, 1e-5, true, true};
    description.stages[1].norm = {NormKind::layer_norm, 1e-5, true, false};
    description.stages[0].token_mixer = {TokenMixerKind::identity, 0};
    description.stages[1].mlp = {2, ActivationKind::silu, false};
    description.head.norm = {NormKind::none, 0, false, false};
    seeds.push_back(seed(description, false));
    return seeds;
}

}  // namespace
}  // namespace pf::test

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    pf::test::add_fuzz_defaults(argc, argv, pf::test::make_seeds(), {"-max_len=16384"});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    pf::test::load_and_run(std::as_bytes(std::span(data, size)));
    return 0;
}
