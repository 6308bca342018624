// GraphMaker: parameters for tiny graphs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/graph_maker.hpp"

#include <utility>

#include "tests/support/hash.hpp"

namespace pf::test {
namespace {

constexpr double kEps = 1e-5;

}  // namespace

Value GraphMaker::add_node(Op op, std::vector<Value> inputs) {
    return graph_.add("n" + std::to_string(graph_.next_value), std::move(op), std::move(inputs));
}

Value GraphMaker::conv2d(Value x, std::size_t channels, PatchEmbedding window) {
    const std::size_t in_channels = channels_of(x);
    Matrix weight = matrix(channels, in_channels * window.kernel * window.kernel);
    return add_node(Conv2d{std::move(weight), vector(channels), in_channels, window}, {x});
}

Value GraphMaker::linear(Value x, std::size_t channels) {
    return add_node(Linear{matrix(channels, channels_of(x)), vector(channels)}, {x});
}

Value GraphMaker::group_norm(Value x) {
    const std::size_t channels = channels_of(x);
    return add_node(GroupNorm{kEps, factors(channels), vector(channels)}, {x});
}

Value GraphMaker::layer_norm(Value x) {
    const std::size_t channels = channels_of(x);
    return add_node(LayerNorm{kEps, factors(channels), vector(channels)}, {x});
}

Value GraphMaker::batch_norm(Value x) {
    const std::size_t channels = channels_of(x);
    return add_node(
        BatchNorm{kEps, factors(channels), vector(channels), vector(channels), factors(channels)},
        {x});
}

Value GraphMaker::scale(Value x) {
    return add_node(Scale{factors(channels_of(x))}, {x});
}

Value GraphMaker::token_mixer(Value x) {
    const Value norm = group_norm(x);
    return add(x, scale(subtract(pool(norm), norm)));
}

Value GraphMaker::channel_mlp(Value x, std::size_t hidden_channels) {
    const Value hidden = gelu(linear(group_norm(x), hidden_channels));
    return add(x, scale(linear(hidden, channels_of(x))));
}

Vector GraphMaker::vector(std::size_t size) {
    const std::uint64_t key = num_vectors_++;
    Vector numbers(size);
    for (std::size_t i = 0; i < size; ++i) numbers[i] = hash_unit(seed_, key, i);
    return numbers;
}

Vector GraphMaker::factors(std::size_t size) {
    Vector numbers = vector(size);
    for (double& number : numbers) number = 1.0 + number / 2;
    return numbers;
}

Matrix GraphMaker::matrix(std::size_t rows, std::size_t columns) {
    const Vector exact = vector(rows * columns);
    return matrix(rows, columns, std::vector<float>(exact.begin(), exact.end()));
}

Matrix GraphMaker::matrix(std::size_t rows, std::size_t columns, std::vector<float> numbers) {
    const std::vector<float>& kept = numbers_.emplace_back(std::move(numbers));
    const Tensor& tensor = tensors_.emplace_back(
        Tensor{Dtype::f32, {rows, columns}, reinterpret_cast<const std::byte*>(kept.data())});
    return {&tensor, rows, columns, {}, {}};
}

}  // namespace pf::test
