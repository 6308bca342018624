// Refuses, field by field, what the engine cannot run yet.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/supported.hpp"

#include <string>

namespace pf {
namespace {

constexpr std::size_t kExecutablePoolSize = 3;

std::string stage_field(std::size_t stage, const char* field) {
    return "field \"stages[" + std::to_string(stage) + "]." + field + "\": ";
}

Error not_supported(std::size_t stage, const char* field, const std::string& found,
                    const std::string& supported) {
    return {ErrorCode::unsupported,
            stage_field(stage, field) + found + " is not supported yet; supported: " + supported};
}

// Empty: it runs.
std::string refused_token_mixer(TokenMixerKind kind) {
    switch (kind) {
        case TokenMixerKind::pool:
        case TokenMixerKind::identity:
            return {};
        case TokenMixerKind::random_matrix:
            return "\"random_matrix\"";
        case TokenMixerKind::depthwise_conv:
            return "\"depthwise_conv\"";
        case TokenMixerKind::attention:
            return "\"attention\"";
        case TokenMixerKind::spatial_fc:
            return "\"spatial_fc\"";
    }
    return "this kind";
}

Status check_stage(std::size_t index, const Stage& stage) {
    const std::string mixer = refused_token_mixer(stage.token_mixer.kind);
    if (!mixer.empty()) return not_supported(index, "token_mixer.kind", mixer, "pool, identity");
    if (stage.mlp.activation == ActivationKind::star_relu) {
        return not_supported(index, "mlp.activation", "\"star_relu\"", "gelu, relu, silu");
    }
    if (stage.has_residual_scale) return not_supported(index, "residual_scale", "true", "false");
    if (stage.has_position_embedding) {
        return not_supported(index, "position_embedding", "true", "false");
    }
    return {};
}

const char* name_of(NormKind kind) {
    switch (kind) {
        case NormKind::none:
            return "\"none\"";
        case NormKind::group_norm:
            return "\"group_norm\"";
        case NormKind::layer_norm:
            return "\"layer_norm\"";
        case NormKind::batch_norm:
            return "\"batch_norm\"";
    }
    return "this kind";
}

Error not_executable(const std::string& field, const std::string& found,
                     const std::string& expected) {
    return {ErrorCode::unsupported, "model.json: " + field + "found " + found + ", expected " +
                                        expected +
                                        ": the executor runs no other (models/README.md, \"What "
                                        "runs today\")"};
}

Status check_executable_stage(std::size_t index, const Stage& stage) {
    if (stage.token_mixer.kind != TokenMixerKind::pool) {
        return not_executable(stage_field(index, "token_mixer.kind"), "\"identity\"", "\"pool\"");
    }
    if (stage.token_mixer.size != kExecutablePoolSize) {
        return not_executable(stage_field(index, "token_mixer.size"),
                              std::to_string(stage.token_mixer.size),
                              std::to_string(kExecutablePoolSize));
    }
    if (stage.norm.kind != NormKind::group_norm) {
        return not_executable(stage_field(index, "norm.kind"), name_of(stage.norm.kind),
                              name_of(NormKind::group_norm));
    }
    if (stage.mlp.activation != ActivationKind::gelu) {
        const bool is_relu = stage.mlp.activation == ActivationKind::relu;
        return not_executable(stage_field(index, "mlp.activation"),
                              is_relu ? "\"relu\"" : "\"silu\"", "\"gelu\"");
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
        return not_executable("field \"head.norm.kind\": ", name_of(head.norm.kind),
                              is_pooled ? "\"group_norm\" or \"layer_norm\"" : "\"group_norm\"");
    }
    return {};
}

}  // namespace pf
