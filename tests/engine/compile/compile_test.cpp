// compile: the steps of a small network, and what has no fused kernel.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/compile.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/compile/compiled_file.hpp"
#include "kernels/dispatch.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/hash.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

Model compiled(const TinyModel& options, const kernels::KernelTable& table) {
    auto model = compile(tiny_model(options), table);
    REQUIRE(model);
    return std::move(*model);
}

std::string kinds(const Model& model) {
    std::string text;
    for (const Step& step : model.steps) text += "csmMh"[step.op.index()];
    return text;
}

// Offsets of everything a step reads, vectors first.
std::vector<WeightOffset> offsets_of(const Step& step) {
    if (const auto* conv = std::get_if<ConvolutionStep>(&step.op)) {
        return {conv->bias, conv->weights};
    }
    if (const auto* mix = std::get_if<PoolMixStep>(&step.op)) return {mix->scale};
    if (const auto* mlp = std::get_if<ChannelMlpStep>(&step.op)) {
        return {mlp->fc1_bias, mlp->fc2_bias, mlp->weights};
    }
    if (const auto* head = std::get_if<HeadStep>(&step.op)) {
        return {head->norm_weight, head->norm_bias, head->bias, head->weights};
    }
    return {};
}

}  // namespace

TEST_CASE("compile: convolution, statistics, then pool_mix and channel_mlp, and the head") {
    for (const kernels::KernelTable* table : kernels::all_tables()) {  // needs no such CPU
        const Model model = compiled({.depths = {1, 2}}, *table);
        CHECK(kinds(model) == "csmMcsmMmMh");
        CHECK(model.kernels == table);
        CHECK(model.taps == std::vector<std::string>{"s0.b0", "s1.b0", "s1.b1"});
    }
}

TEST_CASE("compile: maps, statistics and taps are numbered within their counts") {
    const Model model = compiled({.depths = {2, 2}}, *kernels::all_tables().back());
    std::vector<std::size_t> tapped;
    for (const Step& step : model.steps) {
        for (const std::optional<std::size_t>& map : {step.input_map, step.output_map}) {
            if (map) CHECK(*map < model.num_maps);
        }
        for (const std::optional<std::size_t>& stats : {step.input_stats, step.output_stats}) {
            if (stats) CHECK(*stats < model.num_stats);
        }
        if (step.tap) tapped.push_back(*step.tap);
        const bool works_in_place = std::holds_alternative<PoolMixStep>(step.op) ||
                                    std::holds_alternative<ChannelMlpStep>(step.op);
        CHECK((step.input_map == step.output_map) == works_in_place);
    }
    CHECK(tapped == std::vector<std::size_t>{0, 1, 2, 3});
    CHECK_FALSE(model.steps.front().input_map.has_value());
    CHECK_FALSE(model.steps.back().output_map.has_value());
}

TEST_CASE("compile: the head reads statistics only if its norm comes first") {
    const auto& table = *kernels::all_tables().back();
    const Model norm_first = compiled({.head_order = HeadOrder::norm_pool}, table);
    const Model pool_first = compiled({.head_order = HeadOrder::pool_norm}, table);
    CHECK(norm_first.steps.back().input_stats.has_value());
    CHECK_FALSE(pool_first.steps.back().input_stats.has_value());
    CHECK(std::get<HeadStep>(pool_first.steps.back().op).order == HeadOrder::pool_norm);
}

TEST_CASE("compile: weights lie in execution order, aligned, inside their memory") {
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        const Model model = compiled({.channels = {20, 36}, .classes = 19}, *table);
        WeightOffset last = 0;
        for (const Step& step : model.steps) {
            for (const WeightOffset offset : offsets_of(step)) {
                CHECK(offset % 16 == 0);
                CHECK(offset < model.weights.size());
                CHECK((offset > last || offset == 0));
                last = offset;
                CHECK(reinterpret_cast<std::uintptr_t>(model.at(offset)) % 64 == 0);
            }
        }
    }
}

// A compiled file of other packing would be read as numbers that mean something else. If a hash is
// another one, raise the version here and there, and put the new hashes here.
TEST_CASE("compile: whoever packs weights otherwise raises kPackingVersion") {
    struct Packed {
        const char* isa;
        std::uint64_t hash;
    };
    constexpr Packed kPacked[] = {{"avx512", 18390369327587783314u},
                                  {"avx2", 5798615261402314926u},
                                  {"sse4_1", 17513416493052736206u}};
    CHECK(kPackingVersion == 4);
    for (const Packed& packed : kPacked) {
        CAPTURE(std::string(packed.isa));
        const kernels::KernelTable* table = kernels::find_table(packed.isa);
        REQUIRE(table != nullptr);
        const Model model = compiled({.depths = {1, 1, 1},
                                      .channels = {20, 36, 20},
                                      .image_size = 80,  // winograd, then gemm
                                      .classes = 19},
                                     *table);
        const auto floats = model.weights.floats();
        CHECK(name_key({reinterpret_cast<const char*>(floats.data()), floats.size_bytes()}) ==
              packed.hash);
    }
}

TEST_CASE("compile: the number of parameters is the network's, not the packed one") {
    const LoadedModel loaded = tiny_model({.channels = {20, 36}});
    const auto model = compile(loaded, *kernels::all_tables().front());
    REQUIRE(model);
    CHECK(model->num_parameters == loaded.weights.num_parameters());
    CHECK(model->weights.size() > model->num_parameters);
}

TEST_CASE("compile: what has no kernels is refused by the field of model.json") {
    const auto refuse = [](const char* words, const auto& change) {
        Description description = tiny_description();
        change(description);
        Weights weights = hash_loaded_weights(description, 1);
        const LoadedModel loaded{description, std::move(weights)};
        const auto& table = *kernels::all_tables().back();
        for (const std::string& part : {std::string("model.json: field \"") + words,
                                        std::string("the executor runs no other")}) {
            check_error(compile(loaded, table), ErrorCode::unsupported, {part});
            check_error(lay_out(description, table), ErrorCode::unsupported, {part});
        }
    };
    refuse("stages[1].token_mixer.size\": found 5, expected 3",
           [](Description& tiny) { tiny.stages[1].token_mixer.size = 5; });
    refuse("stages[0].token_mixer.kind\": found \"identity\", expected \"pool\"",
           [](Description& tiny) {
               tiny.stages[0].token_mixer = {TokenMixerKind::identity, 0};
           });
    refuse("stages[1].mlp.activation\": found \"relu\", expected \"gelu\"",
           [](Description& tiny) { tiny.stages[1].mlp.activation = ActivationKind::relu; });
    refuse("stages[1].mlp.activation\": found \"silu\", expected \"gelu\"",
           [](Description& tiny) { tiny.stages[1].mlp.activation = ActivationKind::silu; });
    refuse("stages[1].norm.kind\": found \"layer_norm\", expected \"group_norm\"",
           [](Description& tiny) { tiny.stages[1].norm.kind = NormKind::layer_norm; });
    refuse("head.norm.kind\": found \"layer_norm\", expected \"group_norm\"",
           [](Description& tiny) { tiny.head.norm.kind = NormKind::layer_norm; });
    refuse("head.norm.kind\": found \"none\", expected \"group_norm\" or \"layer_norm\"",
           [](Description& tiny) {
               tiny.head.order = HeadOrder::pool_norm;
               tiny.head.norm.kind = NormKind::none;
           });
}

TEST_CASE("compile: every supported network either compiles or is refused by a field") {
    constexpr NormKind kNorms[] = {NormKind::none, NormKind::group_norm, NormKind::layer_norm,
                                   NormKind::batch_norm};
    std::size_t num_compiled = 0;
    const auto count = [&](const Description& description) {
        const auto layout = lay_out(description, *kernels::all_tables().back());
        num_compiled += bool(layout);
        if (!layout) CHECK(layout.error().code == ErrorCode::unsupported);
    };
    const auto each_norm = [&](Description description) {
        for (const NormKind norm : kNorms) {
            for (const NormKind head_norm : kNorms) {
                description.stages[1].norm.kind = norm;
                description.head.norm.kind = head_norm;
                count(description);
            }
        }
    };
    for (const HeadOrder order : {HeadOrder::norm_pool, HeadOrder::pool_norm}) {
        Description description = tiny_description({.head_order = order});
        Stage& stage = description.stages[1];
        for (const TokenMixer mixer : {TokenMixer{TokenMixerKind::identity, 0},
                                       {TokenMixerKind::pool, 1},
                                       {TokenMixerKind::pool, 3}}) {
            for (const ActivationKind activation :
                 {ActivationKind::gelu, ActivationKind::relu, ActivationKind::silu}) {
                stage.token_mixer = mixer;
                stage.mlp.activation = activation;
                each_norm(description);
            }
        }
    }
    CHECK(num_compiled == 3);  // group_norm before the pool, either norm after it
}

}  // namespace pf::test
