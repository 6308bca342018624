// Small networks for tests: a description with a few parameters, weights from the integer hash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/load/description.hpp"
#include "engine/load/weights.hpp"

namespace pf::test {

struct TinyModel {
    std::vector<std::size_t> depths = {1, 2};  // one per stage, like channels
    std::vector<std::size_t> channels = {8, 16};
    std::size_t image_size = 32;  // height and width
    HeadOrder head_order = HeadOrder::norm_pool;
    bool has_layer_scale = true;
    std::size_t classes = 5;
    std::uint64_t seed = 1;  // of the weights
};

// A PoolFormer of that shape: stem 7x7 with stride 4, then 3x3 with stride 2; pool of size 3,
// group_norm, gelu, mlp ratio 4; the head's norm goes with its order as in paper and timm.
Description tiny_description(const TinyModel& options = {});

// The description with its weights, checked by the loader.
LoadedModel tiny_model(const TinyModel& options = {});

}  // namespace pf::test
