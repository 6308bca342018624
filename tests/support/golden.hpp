// The golden fixtures (tests/golden/README.md) in memory: what PyTorch computes in float64.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/interpret/interpret.hpp"
#include "engine/load/description.hpp"

namespace pf::test {

struct GoldenBlock {
    std::string name;  // "s0.b1"
    double mean = 0, rms = 0, min = 0, max = 0;
    std::vector<double> samples;
};

struct GoldenHead {
    Description description;
    std::vector<double> logits;
};

// One network on one input; the heads differ only in what follows the last block.
struct GoldenNetwork {
    std::string name;  // "s12_97x131"
    std::size_t height = 0, width = 0;
    std::uint64_t input_seed = 0;
    std::vector<GoldenBlock> blocks;
    std::vector<GoldenHead> heads;
};

// The logits of S12 at 224x224 for inputs with the seeds 0, 1, ...
struct GoldenRms {
    HeadOrder head_order = HeadOrder::norm_pool;
    std::vector<std::vector<double>> logits;
    double pytorch_float32_rms = 0;
};

struct Golden {
    std::uint64_t weights_seed = 0;
    std::vector<GoldenNetwork> networks;
    std::vector<GoldenRms> rms;

    const GoldenNetwork& network(const std::string& name) const;
};

// Read once; throws if the files are damaged.
const Golden& golden();

// The hash input [3, height, width].
std::vector<float> hash_input(std::uint64_t seed, std::size_t height, std::size_t width);

// The largest error of mean, rms, min, max and samples, relative to the block's largest value;
// infinity if a number is not finite.
double relative_error(const GoldenBlock& block, const Map& found);

// max |found - expected| / max |expected|; infinity if a number is not finite.
double relative_error(const std::vector<double>& expected, const std::vector<double>& found);

}  // namespace pf::test
