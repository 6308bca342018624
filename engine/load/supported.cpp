// Refuses, field by field, what the engine cannot run yet.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/supported.hpp"

#include <string>
#include <string_view>

namespace pf {
namespace {

constexpr std::size_t kExecutablePoolSize = 3;

std::string stage_field(std::size_t stage, const char* field) {
    return "stages[" + std::to_string(stage) + "]." + field;
}

std::string quoted(std::string_view name) {
    return '"' + std::string(name) + '"';
}

// `runner`: what lacks the value, "the engine" or "the executor".
Error refusal(const std::string& field, const std::string& found, const std::string& expected,
              const char* runner) {
    return {ErrorCode::unsupported, "field \"" + field + "\": found " + found + ", expected " +
                                        expected + ": " + runner +
                                        " runs no other (models/README.md, \"What runs today\")"};
}

Status check_stage(std::size_t index, const Stage& stage) {
    const auto refuse = [index](const char* field, const std::string& found, const char* expected) {
        return refusal(stage_field(index, field), found, expected, "the engine");
    };
    const TokenMixerKind mixer = stage.token_mixer.kind;
    if (mixer != TokenMixerKind::pool && mixer != TokenMixerKind::identity) {
        return refuse("token_mixer.kind", quoted(name_of(mixer)), "\"pool\" or \"identity\"");
    }
    if (stage.mlp.activation == ActivationKind::star_relu) {
        return refuse("mlp.activation", "\"star_relu\"", "\"gelu\", \"relu\" or \"silu\"");
    }
    if (stage.has_residual_scale) return refuse("residual_scale", "true", "false");
    if (stage.has_position_embedding) return refuse("position_embedding", "true", "false");
    return {};
}

Error not_executable(const std::string& field, const std::string& found,
                     const std::string& expected) {
    Error error = refusal(field, found, expected, "the executor");
    error.message = "model.json: " + error.message;
    return error;
}

Status check_executable_stage(std::size_t index, const Stage& stage) {
    const auto refuse = [index](const char* field, const std::string& found,
                                const std::string& expected) {
        return not_executable(stage_field(index, field), found, expected);
    };
    if (stage.token_mixer.kind != TokenMixerKind::pool) {
        return refuse("token_mixer.kind", quoted(name_of(stage.token_mixer.kind)), "\"pool\"");
    }
    if (stage.token_mixer.size != kExecutablePoolSize) {
        return refuse("token_mixer.size", std::to_string(stage.token_mixer.size),
                      std::to_string(kExecutablePoolSize));
    }
    if (stage.norm.kind != NormKind::group_norm) {
        return refuse("norm.kind", quoted(name_of(stage.norm.kind)), "\"group_norm\"");
    }
    if (stage.mlp.activation != ActivationKind::gelu) {
        return refuse("mlp.activation", quoted(name_of(stage.mlp.activation)), "\"gelu\"");
    }
    return {};
}

}  // namespace

Status check_supported(const Description& description) {
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        if (Status status = check_stage(i, description.stages[i]); !status) return status;
    }
    return {};
}

Status check_executable(const Description& description) {
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        Status status = check_executable_stage(i, description.stages[i]);
        if (!status) return status;
    }
    const Head& head = description.head;
    const bool is_pooled = head.order == HeadOrder::pool_norm;  // then both norms are the same
    if (head.norm.kind != NormKind::group_norm &&
        !(is_pooled && head.norm.kind == NormKind::layer_norm)) {
        return not_executable("head.norm.kind", quoted(name_of(head.norm.kind)),
                              is_pooled ? "\"group_norm\" or \"layer_norm\"" : "\"group_norm\"");
    }
    return {};
}

}  // namespace pf
