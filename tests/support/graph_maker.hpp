// GraphMaker: builds tiny graphs node by node, with parameters from the integer hash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace pf::test {

// Owns the numbers of its matrices: the graph must not outlive it. Nodes are named "n0", "n1", ...
class GraphMaker {
  public:
    explicit GraphMaker(std::uint64_t seed = 1) : seed_(seed) {}
    GraphMaker(const GraphMaker&) = delete;
    GraphMaker& operator=(const GraphMaker&) = delete;

    Graph& graph() { return graph_; }
    Value add_node(Op op, std::vector<Value> inputs);
    void tap(const std::string& name, Value value) { graph_.taps.push_back({name, value}); }

    // Nodes with made-up parameters of the right sizes.
    Value input(std::size_t channels) { return add_node(InputOp{channels}, {}); }
    Value conv2d(Value x, std::size_t channels, PatchEmbedding window);
    Value linear(Value x, std::size_t channels);
    Value group_norm(Value x);
    Value layer_norm(Value x);
    Value batch_norm(Value x);
    Value scale(Value x);
    Value pool(Value x, std::size_t size = 3) { return add_node(Pool{size}, {x}); }
    Value subtract(Value a, Value b) { return add_node(Subtract{}, {a, b}); }
    Value add(Value a, Value b) { return add_node(Add{}, {a, b}); }
    Value gelu(Value x) { return add_node(Activation{ActivationKind::gelu}, {x}); }
    Value global_mean(Value x) { return add_node(GlobalMean{}, {x}); }

    // Both half blocks as the paper draws them, from group_norm to add.
    Value token_mixer(Value x);
    Value channel_mlp(Value x, std::size_t hidden_channels);

    Vector vector(std::size_t size);                       // in [-1, 1)
    Vector factors(std::size_t size);                      // in [0.5, 1.5): scales and variances
    Matrix matrix(std::size_t rows, std::size_t columns);  // in [-1, 1)
    Matrix matrix(std::size_t rows, std::size_t columns, std::vector<float> numbers);

  private:
    std::size_t channels_of(Value value) const { return count_channels(graph_)[value]; }

    Graph graph_;
    std::deque<std::vector<float>> numbers_;
    std::deque<Tensor> tensors_;
    std::uint64_t seed_;
    std::uint64_t num_vectors_ = 0;
};

}  // namespace pf::test
