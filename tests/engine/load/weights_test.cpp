// Tests of Weights: exactly the tensors a description calls for, finite values, whole files.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/weights.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/load/safetensors.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/safetensors_bytes.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

const std::string kFile = "models/x/model.safetensors";

TensorMap tiny_tensors() {
    return hash_weights(tiny_description(), 1);
}

Result<Weights> load(const TensorMap& tensors) {
    return Weights::from_bytes(safetensors_bytes(tensors), kFile, tiny_description());
}

}  // namespace

TEST_CASE("Weights: holds every tensor with its shape and values") {
    const TensorMap tensors = tiny_tensors();
    const auto weights = load(tensors);
    REQUIRE(weights);
    std::size_t parameters = 0;
    for (const auto& [name, expected] : tensors) {
        const Tensor& tensor = weights->at(name);
        CHECK(tensor.shape == expected.shape);
        REQUIRE(tensor.size() == expected.values.size());
        for (std::size_t i = 0; i < tensor.size(); ++i) {
            REQUIRE(tensor.value(i) == expected.values[i]);
        }
        parameters += tensor.size();
    }
    CHECK(weights->num_parameters() == parameters);
}

TEST_CASE("Weights: moving keeps the tensors in place") {
    auto loaded = load(tiny_tensors());
    REQUIRE(loaded);
    const float before = loaded->at("fc.bias").value(0);
    const Weights moved = std::move(*loaded);
    CHECK(moved.at("fc.bias").value(0) == before);
}

TEST_CASE("Weights: 16-bit tensors beside 32-bit ones") {
    TensorMap tensors = tiny_tensors();
    SafetensorsBytes file;
    for (const auto& [name, tensor] : tensors) {
        if (name == "fc.bias") continue;
        file.add(name, "F32", tensor.shape, std::as_bytes(std::span(tensor.values)));
    }
    const std::vector<std::uint16_t> halves = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x0000};
    file.add("fc.bias", "F16", {5}, std::as_bytes(std::span(halves)));
    const auto weights = Weights::from_bytes(file.bytes(), kFile, tiny_description());
    REQUIRE(weights);
    const Tensor& bias = weights->at("fc.bias");
    CHECK(bias.value(0) == 1.0f);
    CHECK(bias.value(1) == -2.0f);
    CHECK(bias.value(2) == std::ldexp(1.0f, -24));
    CHECK(bias.value(3) == 65504.0f);
}

TEST_CASE("Weights: missing, unexpected and misshapen tensors") {
    TensorMap tensors = tiny_tensors();
    tensors.erase("s1.b1.fc2.weight");
    check_error(load(tensors), ErrorCode::invalid_model,
                {kFile, "tensor \"s1.b1.fc2.weight\": missing, expected shape [16, 64]"});

    tensors = tiny_tensors();
    tensors["../../etc/passwd"] = {{1}, {0}};
    check_error(load(tensors), ErrorCode::invalid_model,
                {kFile, "tensor \"../../etc/passwd\": unexpected", "model.json"});

    const std::vector<std::vector<std::size_t>> wrong_shapes = {
        {80}, {16, 5}, {5, 16, 1}, {1, 80}, {5, 0}};
    for (const auto& shape : wrong_shapes) {
        tensors = tiny_tensors();
        std::size_t size = 1;
        for (const std::size_t extent : shape) size *= extent;
        tensors["fc.weight"] = {shape, std::vector<float>(size, 0.0f)};
        check_error(load(tensors), ErrorCode::invalid_model,
                    {kFile, "tensor \"fc.weight\": found shape [", "expected [5, 16]"});
    }
}

TEST_CASE("Weights: a description that lies about the weights") {
    TinyModel options;
    options.classes = 6;
    const auto bytes = safetensors_bytes(tiny_tensors());
    check_error(Weights::from_bytes(bytes, kFile, tiny_description(options)),
                ErrorCode::invalid_model, {kFile, "tensor \"fc.weight\"", "expected [6, 16]"});
    options = {};
    options.has_layer_scale = false;
    check_error(Weights::from_bytes(bytes, kFile, tiny_description(options)),
                ErrorCode::invalid_model, {kFile, "tensor \"s0.b0.ls1\": unexpected"});
    options = {};
    options.depths.assign(16, 256);
    options.channels.assign(16, 16384);
    check_error(Weights::from_bytes(bytes, kFile, tiny_description(options)),
                ErrorCode::invalid_model, {kFile, "tensor \"embed.0.weight\"", "[16384, 3, 7, 7]"});
}

TEST_CASE("Weights: values that are not finite are named by tensor and index") {
    const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                         std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity()};
    for (const float value : bad) {
        TensorMap tensors = tiny_tensors();
        tensors["s1.b0.fc1.weight"].values[1023] = value;
        check_error(load(tensors), ErrorCode::invalid_model,
                    {kFile, "tensor \"s1.b0.fc1.weight\": found ", "at index 1023", "finite"});
    }
}

TEST_CASE("Weights: NaN is found in 16-bit tensors, too") {
    constexpr std::uint16_t kNanF16 = 0x7E00, kNanBf16 = 0x7FC0;
    for (const bool is_f16 : {true, false}) {
        SafetensorsBytes file;
        for (const auto& [name, tensor] : tiny_tensors()) {
            std::vector<std::uint16_t> halves(tensor.values.size());
            if (name == "fc.bias") halves.back() = is_f16 ? kNanF16 : kNanBf16;
            file.add(name, is_f16 ? "F16" : "BF16", tensor.shape, std::as_bytes(std::span(halves)));
        }
        check_error(Weights::from_bytes(file.bytes(), kFile, tiny_description()),
                    ErrorCode::invalid_model, {"tensor \"fc.bias\": found ", "finite"});
    }
}

TEST_CASE("Weights: a file cut at any interesting byte names the file") {
    const auto whole = safetensors_bytes(tiny_tensors());
    const auto description = tiny_description();
    const std::size_t header_end = 8 + *read_header_size(whole, whole.size(), kFile);
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size < 64; ++size) sizes.push_back(size);
    for (std::size_t size = header_end - 40; size < header_end + 40; ++size) sizes.push_back(size);
    for (std::size_t size = header_end; size < whole.size(); size += 997) sizes.push_back(size);
    for (std::size_t cut = 1; cut < 9; ++cut) sizes.push_back(whole.size() - cut);
    const TemporaryFolder folder;
    for (const std::size_t size : sizes) {
        CAPTURE(size);
        const std::vector<std::byte> cut(whole.begin(),
                                         whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto from_memory = Weights::from_bytes(cut, kFile, description);
        check_error(from_memory, ErrorCode::invalid_model, {kFile});
        const std::string file = folder.write("model.safetensors", cut);
        const auto from_file = Weights::load(file, description);
        check_error(from_file, ErrorCode::invalid_model, {file});
        CHECK(from_file.error().message.substr(file.size()) ==
              from_memory.error().message.substr(kFile.size()));
    }
    CHECK(Weights::load(folder.write("model.safetensors", whole), description));
}

TEST_CASE("Weights: a byte too many is refused") {
    auto bytes = safetensors_bytes(tiny_tensors());
    bytes.push_back(std::byte{0});
    check_error(Weights::from_bytes(bytes, kFile, tiny_description()), ErrorCode::invalid_model,
                {kFile, "found 1 bytes behind the last tensor"});
}

}  // namespace pf::test
