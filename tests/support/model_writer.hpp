// Writes model folders: a Description as model.json, tensors as model.safetensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/load/description.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {

struct TensorValues {
    std::vector<std::size_t> shape;
    std::vector<float> values;  // row-major
};

using TensorMap = std::map<std::string, TensorValues>;

// What parse_description reads back as the same Description.
std::string model_json(const Description& description);

// A file of F32 tensors.
std::vector<std::byte> safetensors_bytes(const TensorMap& tensors);

// Writes both files of the model into `folder`.
void write_model(const TemporaryFolder& folder, const Description& description,
                 const TensorMap& tensors);

}  // namespace pf::test
