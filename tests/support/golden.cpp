// The golden fixtures (tests/golden/README.md) in memory: what PyTorch computes in float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/golden.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/hash.hpp"

namespace pf::test {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kNumClasses = 1000;
constexpr std::size_t kNumSamples = 64;
constexpr std::uint64_t kSampleSeed = 1;

std::string read_file(const std::string& name) {
    const std::string path = std::string(PF_SOURCE_DIR) + "/tests/golden/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::vector<double>> read_logits() {
    static_assert(std::endian::native == std::endian::little);
    const std::string bytes = read_file("logits.f64");
    std::vector<std::vector<double>> rows(bytes.size() / (kNumClasses * sizeof(double)));
    for (std::size_t row = 0; row < rows.size(); ++row) {
        rows[row].resize(kNumClasses);
        std::memcpy(rows[row].data(), bytes.data() + row * kNumClasses * sizeof(double),
                    kNumClasses * sizeof(double));
    }
    return rows;
}

GoldenBlock parse_block(const Json& json) {
    return {json.at("name"), json.at("mean"), json.at("rms"),
            json.at("min"),  json.at("max"),  json.at("samples")};
}

GoldenNetwork parse_network(const Json& json, const std::vector<std::vector<double>>& logits) {
    GoldenNetwork network{
        json.at("name"), json.at("height"), json.at("width"), json.at("input_seed"), {}, {}};
    for (const Json& block : json.at("blocks")) network.blocks.push_back(parse_block(block));
    for (const Json& head : json.at("heads")) {
        auto description = parse_description(head.at("description").dump(), "golden.json");
        if (!description) throw std::runtime_error(description.error().message);
        network.heads.push_back({*description, logits.at(head.at("logits_row"))});
    }
    return network;
}

GoldenRms parse_rms(const Json& json, const std::vector<std::vector<double>>& logits) {
    GoldenRms rms;
    const bool is_pool_norm = json.at("head_order") == "pool_norm";
    rms.head_order = is_pool_norm ? HeadOrder::pool_norm : HeadOrder::norm_pool;
    rms.pytorch_float32_rms = json.at("pytorch_float32_rms");
    for (const std::size_t row : json.at("logits_rows")) rms.logits.push_back(logits.at(row));
    return rms;
}

Golden read_golden() {
    const Json json = Json::parse(read_file("golden.json"));
    const auto logits = read_logits();
    Golden golden{json.at("weights_seed"), {}, {}};
    for (const Json& network : json.at("networks")) {
        golden.networks.push_back(parse_network(network, logits));
    }
    for (const Json& rms : json.at("rms")) golden.rms.push_back(parse_rms(rms, logits));
    return golden;
}

// Where a block of `size` elements is sampled.
std::vector<std::size_t> sample_indices(std::size_t size) {
    std::vector<std::size_t> indices(kNumSamples);
    for (std::size_t k = 0; k < kNumSamples; ++k) {
        indices[k] = hash_bits(kSampleSeed, name_key("samples"), k) % size;
    }
    return indices;
}

GoldenBlock summary_of(const Map& map) {
    GoldenBlock summary;
    double sum = 0, squares = 0;
    for (const double value : map.data) {
        sum += value;
        squares += value * value;
    }
    const double count = static_cast<double>(map.data.size());
    const auto [smallest, largest] = std::minmax_element(map.data.begin(), map.data.end());
    summary.mean = sum / count;
    summary.rms = std::sqrt(squares / count);
    summary.min = *smallest;
    summary.max = *largest;
    for (const std::size_t index : sample_indices(map.data.size())) {
        summary.samples.push_back(map.data[index]);
    }
    return summary;
}

// The numbers of a block in one row.
std::vector<double> numbers_of(const GoldenBlock& block) {
    std::vector<double> numbers = {block.mean, block.rms, block.min, block.max};
    numbers.insert(numbers.end(), block.samples.begin(), block.samples.end());
    return numbers;
}

}  // namespace

const GoldenNetwork& Golden::network(const std::string& name) const {
    for (const GoldenNetwork& network : networks) {
        if (network.name == name) return network;
    }
    throw std::out_of_range(name);
}

const Golden& golden() {
    static const Golden content = read_golden();
    return content;
}

std::vector<float> hash_input(std::uint64_t seed, std::size_t height, std::size_t width) {
    std::vector<float> input(3 * height * width);
    const std::uint64_t key = name_key("input");
    for (std::size_t i = 0; i < input.size(); ++i) {
        input[i] = static_cast<float>(2.0 * hash_unit(seed, key, i));
    }
    return input;
}

double relative_error(const GoldenBlock& block, const Map& found) {
    return relative_error(numbers_of(block), numbers_of(summary_of(found)));
}

double relative_error(const std::vector<double>& expected, const std::vector<double>& found) {
    if (expected.empty() || expected.size() != found.size()) {
        return std::numeric_limits<double>::infinity();
    }
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!std::isfinite(found[i])) return std::numeric_limits<double>::infinity();
        largest = std::max(largest, std::abs(expected[i]));
        error = std::max(error, std::abs(found[i] - expected[i]));
    }
    return error / largest;
}

}  // namespace pf::test
