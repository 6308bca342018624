// Memory for the benchmarks: maps that stay in cache, weights that do not.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/base/aligned_buffer.hpp"

namespace pf::bench {

// Page-aligned floats in [-scale, scale) from the tests' hash: no zeros, denormals or patterns that
// a CPU might be quicker with. Ends the program if there is no memory.
AlignedBuffer random_floats(std::size_t size, float scale = 1);

// Deals out one layer's weights, another copy at every call. In a network each layer's weights come
// from memory once per image, because all the others' (48 MB in S12, 293 MB in M48) have passed
// through the caches since; the copies are as many as it takes to be like that here.
class StreamedWeights {
  public:
    explicit StreamedWeights(std::size_t floats);
    const float* next();

  private:
    const AlignedBuffer& pool_;
    std::size_t stride_;
    std::size_t offset_ = 0;
};

}  // namespace pf::bench
