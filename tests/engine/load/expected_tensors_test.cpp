// Tests of expected_tensors: names, shapes, order, and which tensors a description switches off.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "engine/load/description.hpp"
#include "engine/load/messages.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

std::vector<std::string> lines(const Description& description) {
    std::vector<std::string> out;
    for (const TensorSpec& spec : expected_tensors(description)) {
        out.push_back(spec.name + " " + shape_text(spec.shape));
    }
    return out;
}

TinyModel one_block() {
    TinyModel options;
    options.depths = {1};
    options.channels = {8};
    return options;
}

bool any_ends_with(const Description& description, const std::string& end) {
    const auto specs = expected_tensors(description);
    return std::any_of(specs.begin(), specs.end(),
                       [&](const TensorSpec& spec) { return spec.name.ends_with(end); });
}

}  // namespace

TEST_CASE("expected_tensors: a network of one block, in execution order") {
    CHECK(lines(tiny_description(one_block())) ==
          std::vector<std::string>{
              "embed.0.weight [8, 3, 7, 7]", "embed.0.bias [8]", "s0.b0.norm1.weight [8]",
              "s0.b0.norm1.bias [8]", "s0.b0.ls1 [8]", "s0.b0.norm2.weight [8]",
              "s0.b0.norm2.bias [8]", "s0.b0.fc1.weight [32, 8]", "s0.b0.fc1.bias [32]",
              "s0.b0.fc2.weight [8, 32]", "s0.b0.fc2.bias [8]", "s0.b0.ls2 [8]",
              "final_norm.weight [8]", "final_norm.bias [8]", "fc.weight [5, 8]", "fc.bias [5]"});
}

TEST_CASE("expected_tensors: switches of a stage") {
    Description description = tiny_description(one_block());
    Stage& stage = description.stages[0];
    CHECK(any_ends_with(description, ".ls2"));
    stage.has_layer_scale = false;
    CHECK_FALSE(any_ends_with(description, ".ls1"));
    CHECK_FALSE(any_ends_with(description, ".ls2"));
    CHECK(any_ends_with(description, "fc2.bias"));
    stage.mlp.has_bias = false;
    CHECK_FALSE(any_ends_with(description, "fc1.bias"));
    CHECK_FALSE(any_ends_with(description, "fc2.bias"));
    stage.norm = {NormKind::batch_norm, 1e-5, true, false};
    CHECK(any_ends_with(description, "norm1.weight"));
    CHECK_FALSE(any_ends_with(description, "norm1.bias"));
    CHECK(any_ends_with(description, "norm2.mean"));
    CHECK(any_ends_with(description, "norm2.var"));
    stage.norm.kind = NormKind::none;
    CHECK_FALSE(any_ends_with(description, "norm1.weight"));
    CHECK_FALSE(any_ends_with(description, "norm1.var"));
    description.head.norm = {NormKind::batch_norm, 1e-5, false, true};
    CHECK_FALSE(any_ends_with(description, "final_norm.weight"));
    CHECK(any_ends_with(description, "final_norm.bias"));
    CHECK(any_ends_with(description, "final_norm.mean"));
}

TEST_CASE("expected_tensors: stages take the channels of the stage before") {
    const auto all = lines(tiny_description());
    CHECK(std::count(all.begin(), all.end(), "embed.1.weight [16, 8, 3, 3]") == 1);
    CHECK(std::count(all.begin(), all.end(), "s1.b1.fc1.weight [64, 16]") == 1);
    CHECK(std::count(all.begin(), all.end(), "final_norm.weight [16]") == 1);
}

TEST_CASE("expected_tensors: the published models have their published parameter counts") {
    struct Published {
        std::vector<std::size_t> depths, channels;
        std::size_t parameters;
    };
    const Published models[] = {{{2, 2, 6, 2}, {64, 128, 320, 512}, 11915176},
                                {{4, 4, 12, 4}, {64, 128, 320, 512}, 21388968},
                                {{6, 6, 18, 6}, {64, 128, 320, 512}, 30862760}};
    for (const Published& model : models) {
        TinyModel options;
        options.depths = model.depths;
        options.channels = model.channels;
        options.classes = 1000;
        std::size_t count = 0;
        for (const TensorSpec& spec : expected_tensors(tiny_description(options))) {
            count += std::accumulate(spec.shape.begin(), spec.shape.end(), std::size_t{1},
                                     std::multiplies<>());
        }
        CHECK(count == model.parameters);
    }
}

}  // namespace pf::test
