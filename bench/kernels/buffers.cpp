// Memory for the benchmarks: maps that stay in cache, weights that do not.
// SPDX-License-Identifier: Apache-2.0
#include "bench/kernels/buffers.hpp"

#include <cstdio>
#include <cstdlib>

#include "kernels/layout.hpp"
#include "tests/support/hash.hpp"

namespace pf::bench {
namespace {

// S12's weights, rounded up; and twice the 32 MB third-level cache of an EPYC core complex.
constexpr std::size_t kPoolFloats = (std::size_t{64} << 20) / sizeof(float);

// Weights this small keep every kernel's results of order one.
constexpr float kWeightScale = 0.05f;

// One pool serves all layers: what matters is how far apart its uses are.
const AlignedBuffer& weight_pool() {
    static const AlignedBuffer pool = random_floats(kPoolFloats, kWeightScale);
    return pool;
}

}  // namespace

AlignedBuffer random_floats(std::size_t size, float scale) {
    auto buffer = AlignedBuffer::allocate(size);
    if (!buffer) {
        std::fprintf(stderr, "error: %s\n", buffer.error().message.c_str());
        std::exit(EXIT_FAILURE);
    }
    const std::uint64_t key = test::name_key("bench");
    for (std::size_t i = 0; i < size; ++i) {
        buffer->data()[i] = scale * static_cast<float>(test::hash_unit(0, key, i));
    }
    return std::move(*buffer);
}

StreamedWeights::StreamedWeights(std::size_t floats)
    : pool_(weight_pool()), stride_(kernels::whole_lines(floats)) {}

const float* StreamedWeights::next() {
    if (offset_ + stride_ > pool_.size()) offset_ = 0;
    const float* weights = pool_.data() + offset_;
    offset_ += stride_;
    return weights;
}

}  // namespace pf::bench
