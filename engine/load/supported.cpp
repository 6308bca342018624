// Refuses, field by field, what the engine cannot run yet.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/supported.hpp"

#include <string>

namespace pf {
namespace {

Error not_supported(std::size_t stage, const std::string& field, const std::string& found,
                    const std::string& supported) {
    return {ErrorCode::unsupported, "field \"stages[" + std::to_string(stage) + "]." + field +
                                        "\": " + found +
                                        " is not supported yet; supported: " + supported};
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

}  // namespace

Status check_supported(const Description& description) {
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        if (Status status = check_stage(i, description.stages[i]); !status) return status;
    }
    return {};
}

}  // namespace pf
