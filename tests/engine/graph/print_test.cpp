// to_string(Graph): the listing, before and after fusion.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "engine/compile/passes.hpp"
#include "engine/graph/graph.hpp"
#include "tests/support/tiny_models.hpp"

using namespace pf;
using namespace pf::test;

TEST_CASE("to_string: one aligned line a node, before and after fusion") {
    TinyModel options;
    options.depths = {1};
    options.channels = {8};
    const LoadedModel model = tiny_model(options);
    Result<Graph> graph = build_graph(model.description, model.weights);
    REQUIRE(graph);
    CHECK("\n" + to_string(*graph) == R"(
input           input                                      3
embed.0         conv2d 7x7 stride 4 padding 2, 3 -> 8      8  input
s0.b0.norm1     group_norm eps 1e-05                       8  embed.0
s0.b0.pool      pool 3x3                                   8  s0.b0.norm1
s0.b0.subtract  subtract                                   8  s0.b0.pool, s0.b0.norm1
s0.b0.ls1       scale                                      8  s0.b0.subtract
s0.b0.add1      add                                        8  embed.0, s0.b0.ls1
s0.b0.norm2     group_norm eps 1e-05                       8  s0.b0.add1
s0.b0.fc1       linear 8 -> 32                            32  s0.b0.norm2
s0.b0.act       activation gelu                           32  s0.b0.fc1
s0.b0.fc2       linear 32 -> 8                             8  s0.b0.act
s0.b0.ls2       scale                                      8  s0.b0.fc2
s0.b0.add2      add                                        8  s0.b0.add1, s0.b0.ls2
final_norm      group_norm eps 1e-05                       8  s0.b0.add2
mean            global_mean                                8  final_norm
fc              linear 8 -> 5                              5  mean
)");

    fuse(*graph);
    CHECK("\n" + to_string(*graph) == R"(
input              input                                                     3
embed.0            conv2d 7x7 stride 4 padding 2, 3 -> 8                     8  input
s0.b0.norm1        norm_stats eps 1e-05                                      8  embed.0
s0.b0.pool_mix     pool_mix 3x3 + norm_stats eps 1e-05                       8  embed.0, s0.b0.norm1
s0.b0.channel_mlp  channel_mlp 8 -> 32 -> 8 gelu + norm_stats eps 1e-05      8  s0.b0.pool_mix, norm_stats(s0.b0.pool_mix)
head               head norm_pool 8 -> 5                                     5  s0.b0.channel_mlp, norm_stats(s0.b0.channel_mlp)
)");
}
