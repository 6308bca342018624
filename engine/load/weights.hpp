// Weights: the tensors of model.safetensors, checked against a Description, read-only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/aligned_buffer.hpp"
#include "engine/base/result.hpp"
#include "engine/load/description.hpp"

namespace pf {

enum class Dtype { f32, f16, bf16 };
struct SafetensorsEntry;

// A dense row-major tensor inside the file's bytes; possibly unaligned, so read through value().
struct Tensor {
    Dtype dtype = Dtype::f32;
    std::vector<std::size_t> shape;
    const std::byte* data = nullptr;  // owned by Weights

    std::size_t size() const;  // number of elements

    // Exact: every dtype widens to float. Inline for f32: packing reads millions of them.
    float value(std::size_t index) const {
        if (dtype != Dtype::f32) return widened_value(index);
        float number;
        std::memcpy(&number, data + index * sizeof number, sizeof number);
        return number;
    }

  private:
    float widened_value(std::size_t index) const;
};

// Owns the file's bytes. Names are the neutral ones of models/README.md. Immutable, so it may be
// read from any number of threads.
class Weights {
  public:
    Weights(Weights&&) = default;  // a copy's tensors would point into the original's bytes
    Weights& operator=(Weights&&) = default;

    // Reads `file` and checks it: safetensors rules, and exactly the tensors, shapes and finite
    // values that `description` calls for.
    static Result<Weights> load(const std::string& file, const Description& description);

    // The same on bytes already in memory; `file` names them in errors.
    static Result<Weights> from_bytes(std::vector<std::byte> bytes, const std::string& file,
                                      const Description& description);

    // The tensors that `description` calls for, all zero and in hardly any memory: enough to build
    // a graph of it.
    static Result<Weights> zeros(const Description& description);

    // The tensor of that name; the caller knows that it exists (expected_tensors).
    const Tensor& at(std::string_view name) const;
    std::size_t num_parameters() const;

  private:
    Weights() = default;

    static Result<Weights> assemble(std::vector<std::byte> bytes,
                                    const std::vector<SafetensorsEntry>& entries,
                                    const std::string& file);

    std::vector<std::byte> bytes_;
    AlignedBuffer zeros_;  // of zeros(): untouched pages
    std::map<std::string, Tensor, std::less<>> tensors_;
};

// A model folder, read and checked: model.json and model.safetensors.
struct LoadedModel {
    Description description;
    Weights weights;
    std::string text = {};  // of model.json
};

Result<LoadedModel> load_model_folder(const std::string& folder);

// The same from the bytes of the two files, "model.json" and "model.safetensors" in errors.
Result<LoadedModel> load_model_bytes(std::string_view json, std::span<const std::byte> safetensors);

// Parses model.json's text and refuses what the engine cannot run. `file` names it in errors.
Result<Description> read_description(std::string_view text, const std::string& file);

}  // namespace pf
