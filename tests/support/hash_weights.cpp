// Every tensor of a network from the integer hash, by the rules of tests/golden/README.md.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hash_weights.hpp"

#include <cmath>
#include <stdexcept>

#include "tests/support/hash.hpp"

namespace pf::test {
namespace {

// An element is float(offset + factor * u), u uniform in [-1, 1), computed in double.
struct Rule {
    double offset = 0;
    double factor = 0;
};

Rule rule_of(const TensorSpec& spec) {
    const std::string& name = spec.name;
    if (name.ends_with(".ls1") || name.ends_with(".ls2")) return {0.5, 0.25};
    if (spec.shape.size() > 1) {
        std::size_t fan_in = 1;
        for (std::size_t i = 1; i < spec.shape.size(); ++i) fan_in *= spec.shape[i];
        return {0, std::sqrt(3.0 / static_cast<double>(fan_in))};
    }
    const bool is_norm = name.find("norm") != std::string::npos;
    if (is_norm && (name.ends_with(".weight") || name.ends_with(".var"))) return {1, 0.5};
    return {0, 0.125};
}

}  // namespace

TensorMap hash_weights(const Description& description, std::uint64_t seed) {
    TensorMap tensors;
    for (const TensorSpec& spec : expected_tensors(description)) {
        const Rule rule = rule_of(spec);
        const std::uint64_t key = name_key(spec.name);
        std::size_t size = 1;
        for (const std::size_t extent : spec.shape) size *= extent;
        std::vector<float> values(size);
        for (std::size_t i = 0; i < size; ++i) {
            values[i] = static_cast<float>(rule.offset + rule.factor * hash_unit(seed, key, i));
        }
        tensors[spec.name] = {spec.shape, std::move(values)};
    }
    return tensors;
}

Weights hash_loaded_weights(const Description& description, std::uint64_t seed) {
    auto weights = Weights::from_bytes(safetensors_bytes(hash_weights(description, seed)),
                                       "hash.safetensors", description);
    if (!weights) throw std::logic_error(weights.error().message);
    return std::move(*weights);
}

}  // namespace pf::test
