// Fuzz target: any bytes as model.safetensors of the smallest network.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "engine/load/weights.hpp"
#include "tests/fuzz/fuzz_defaults.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/safetensors_bytes.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// Few and small tensors, so that the fuzzer finds its way through all of them.
const Description& smallest_network() {
    static const Description description = [] {
        TinyModel options;
        options.depths = {1};
        options.channels = {1};
        options.classes = 2;
        options.has_layer_scale = false;
        Description made = tiny_description(options);
        made.patch_embeddings[0] = {1, 1, 0};
        made.stages[0].mlp.ratio = 1;
        made.stages[0].norm = made.head.norm = {NormKind::none, 0, false, false};
        return made;
    }();
    return description;
}

std::vector<std::byte> with_dtype(const TensorMap& tensors, const char* dtype) {
    SafetensorsBytes file;
    for (const auto& [name, tensor] : tensors) {
        const std::vector<std::uint16_t> halves(tensor.values.size(), 0x3c01);
        file.add(name, dtype, tensor.shape, std::as_bytes(std::span(halves)));
    }
    return file.bytes();
}

Seeds make_seeds() {
    const TensorMap tensors = hash_weights(smallest_network(), 1);
    Seeds seeds = {safetensors_bytes(tensors), with_dtype(tensors, "F16"),
                   with_dtype(tensors, "BF16"), safetensors_file("{}", {})};
    const std::string metadata = R"({"__metadata__":{"format":"pt"}})";
    seeds.push_back(safetensors_file(metadata + "  ", {}));
    return seeds;
}

void read_every_value(const Weights& weights) {
    std::size_t count = 0;
    for (const TensorSpec& spec : expected_tensors(smallest_network())) {
        const Tensor& tensor = weights.at(spec.name);
        for (std::size_t i = 0; i < tensor.size(); ++i) {
            const float value = tensor.value(i);
            if (!(value - value == 0)) std::abort();  // not finite, yet let through
        }
        count += tensor.size();
    }
    if (count != weights.num_parameters()) std::abort();
}

}  // namespace
}  // namespace pf::test

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    pf::test::add_fuzz_defaults(argc, argv, pf::test::make_seeds(), {"-max_len=4096"});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto weights = pf::Weights::from_bytes({bytes.begin(), bytes.end()}, "fuzz.safetensors",
                                                 pf::test::smallest_network());
    if (weights) pf::test::read_every_value(*weights);
    return 0;
}
