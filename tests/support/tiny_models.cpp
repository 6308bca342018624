// Small networks for tests: a description with a few parameters, weights from the integer hash.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_models.hpp"

#include "tests/support/hash_weights.hpp"

namespace pf::test {

Description tiny_description(const TinyModel& options) {
    Description description;
    description.name = "tiny";
    description.dialect = "poolformer.cpp";
    description.origin = "tests/support/tiny_models.cpp";
    description.input.height = description.input.width = options.image_size;
    description.input.resize_shorter_side = options.image_size;
    description.input.mean = {0.485, 0.456, 0.406};
    description.input.std = {0.229, 0.224, 0.225};
    for (std::size_t i = 0; i < options.depths.size(); ++i) {
        description.patch_embeddings.push_back(i == 0 ? PatchEmbedding{7, 4, 2}
                                                      : PatchEmbedding{3, 2, 1});
        Stage stage;
        stage.depth = options.depths[i];
        stage.channels = options.channels[i];
        stage.token_mixer = {TokenMixerKind::pool, 3};
        stage.has_layer_scale = options.has_layer_scale;
        description.stages.push_back(stage);
    }
    description.head.order = options.head_order;
    if (options.head_order == HeadOrder::pool_norm) {
        description.head.norm = {NormKind::layer_norm, 1e-6, true, true};
    }
    description.head.classes = options.classes;
    return description;
}

LoadedModel tiny_model(const TinyModel& options) {
    Description description = tiny_description(options);
    Weights weights = hash_loaded_weights(description, options.seed);
    return {std::move(description), std::move(weights)};
}

}  // namespace pf::test
