// The layer shapes of PoolFormer S12, S24, S36 (first family) and M36, M48 at 224x224.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace pf::bench {

inline constexpr std::size_t kNumStages = 4;
inline constexpr std::size_t kNumClasses = 1000;
inline constexpr std::size_t kMlpRatio = 4;

struct Family {
    std::array<std::size_t, kNumStages> channels;
};

inline constexpr std::array<Family, 2> kFamilies = {
    Family{{64, 128, 320, 512}},
    Family{{96, 192, 384, 768}},
};

// The map that the blocks of a stage work on: side x side pixels.
struct StageShape {
    std::size_t channels;
    std::size_t side;

    constexpr std::size_t pixels() const { return side * side; }
    std::string name() const {
        return "C" + std::to_string(channels) + "_HW" + std::to_string(pixels());
    }
};

constexpr StageShape stage_shape(const Family& family, std::size_t stage) {
    constexpr std::array<std::size_t, kNumStages> kSides = {56, 28, 14, 7};
    return {family.channels[stage], kSides[stage]};
}

template <class Body>
void for_each_stage(Body&& body) {
    for (const Family& family : kFamilies) {
        for (std::size_t stage = 0; stage < kNumStages; ++stage) body(stage_shape(family, stage));
    }
}

// The last stage's map of both families, which is all the head ever sees.
template <class Body>
void for_each_head(Body&& body) {
    for (const Family& family : kFamilies) body(stage_shape(family, kNumStages - 1));
}

}  // namespace pf::bench
