// The float64 interpreter against PyTorch in float64, before and after all passes.
// SPDX-License-Identifier: Apache-2.0
//
// Suite "golden" takes seconds; "golden-large" runs all five networks at 224x224, too slow for a
// build with sanitizers.
#include <doctest/doctest.h>

#include <future>

#include "engine/compile/passes.hpp"
#include "engine/graph/graph.hpp"
#include "engine/interpret/interpret.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/hash_weights.hpp"

namespace pf::test {
namespace {

constexpr double kTolerance = 1e-11;

Map input_of(const GoldenNetwork& network) {
    const std::vector<float> values = hash_input(network.input_seed, network.height, network.width);
    return {3, network.height, network.width, {values.begin(), values.end()}};
}

void check_graph(const GoldenNetwork& network, const GoldenHead& head, const Graph& graph) {
    const auto found = interpret(graph, input_of(network));
    REQUIRE_MESSAGE(found, found.error().message);
    CHECK(found->taps.size() == network.blocks.size());
    for (const GoldenBlock& block : network.blocks) {
        CAPTURE(block.name);
        REQUIRE(found->taps.count(block.name) == 1);
        CHECK(relative_error(block, found->taps.at(block.name)) <= kTolerance);
    }
    CHECK(relative_error(head.logits, found->output.data) <= kTolerance);
}

enum class Form { as_built, fused };

void check_network(const GoldenNetwork& network, const GoldenHead& head,
                   const std::vector<Form>& forms) {
    const Weights weights = hash_loaded_weights(head.description, golden().weights_seed);
    for (const Form form : forms) {
        CAPTURE(network.name);
        CAPTURE(static_cast<int>(head.description.head.order));
        CAPTURE(static_cast<int>(form));
        auto graph = build_graph(head.description, weights);
        REQUIRE_MESSAGE(graph, graph.error().message);
        if (form == Form::fused) fuse(*graph);
        check_graph(network, head, *graph);
    }
}

}  // namespace

TEST_SUITE("golden") {
    TEST_CASE("the interpreter equals PyTorch in float64: S12 at odd sizes, both heads") {
        for (const char* name : {"s12_65x64", "s12_97x131", "s12_225x193"}) {
            const GoldenNetwork& network = golden().network(name);
            REQUIRE(network.heads.size() == 2);
            for (const GoldenHead& head : network.heads) {
                check_network(network, head, {Form::as_built, Form::fused});
            }
        }
    }

    TEST_CASE("the golden comparison notices one wrong weight") {
        const GoldenNetwork& network = golden().network("s12_65x64");
        const GoldenHead& head = network.heads[0];
        TensorMap tensors = hash_weights(head.description, golden().weights_seed);
        tensors.at("s3.b1.ls2").values[7] *= 1.001f;
        const auto weights =
            Weights::from_bytes(safetensors_bytes(tensors), "hash.safetensors", head.description);
        REQUIRE(weights);
        const auto graph = build_graph(head.description, *weights);
        REQUIRE(graph);
        const auto found = interpret(*graph, input_of(network));
        REQUIRE(found);
        CHECK(relative_error(network.blocks.back(), found->taps.at("s3.b1")) > kTolerance);
        CHECK(relative_error(head.logits, found->output.data) > kTolerance);
    }
}

// The heads differ only after the last block, so each form is run with one of them.
TEST_SUITE("golden-large") {
    TEST_CASE("the interpreter equals PyTorch in float64: five networks at 224x224") {
        for (const char* size : {"s12", "s24", "s36", "m36", "m48"}) {
            const GoldenNetwork& network = golden().network(std::string(size) + "_224x224");
            REQUIRE(network.heads.size() == 2);
            auto as_built = std::async(std::launch::async, [&] {
                check_network(network, network.heads[0], {Form::as_built});
            });
            check_network(network, network.heads[1], {Form::fused});
            as_built.get();
        }
    }
}

}  // namespace pf::test
