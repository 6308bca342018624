// choose_convolution: the rule.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/choose_convolution.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace pf::test {
namespace {

// Names of the kernels of every stage.
std::vector<std::string> names(std::size_t height, std::size_t width,
                               const std::vector<PatchEmbedding>& patch_embeddings) {
    Description description;
    description.input.height = height;
    description.input.width = width;
    description.patch_embeddings = patch_embeddings;
    std::vector<std::string> names;
    for (std::size_t stage = 0; stage < patch_embeddings.size(); ++stage) {
        names.emplace_back(convolution_kernel_name(choose_convolution(description, stage)));
    }
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("choose_convolution: oneDNN for the image, winograd where there are 25 quads or more") {
    const std::vector<PatchEmbedding> paper = {{7, 4, 2}, {3, 2, 1}, {3, 2, 1}, {3, 2, 1}};
    CHECK(names(224, 224, paper) == Names{"onednn", "winograd", "winograd", "gemm"});
    CHECK(names(384, 384, paper) == Names{"onednn", "winograd", "winograd", "winograd"});
    CHECK(names(80, 80, paper) == Names{"onednn", "winograd", "gemm", "gemm"});
    CHECK(names(96, 64, paper) == Names{"onednn", "gemm", "gemm", "gemm"});  // 24 quads
    CHECK(names(80, 64, paper) == Names{"onednn", "gemm", "gemm", "gemm"});
    CHECK(names(16, 784, paper) == Names{"onednn", "winograd", "winograd", "gemm"});
}

TEST_CASE("choose_convolution: gemm for other windows, and where nothing is left of the image") {
    CHECK(names(224, 224, {{7, 4, 2}, {3, 1, 1}, {2, 2, 0}, {5, 2, 2}}) ==
          Names{"onednn", "gemm", "gemm", "gemm"});
    CHECK(names(224, 224, {{7, 4, 2}, {3, 2, 0}}) == Names{"onednn", "winograd"});
    CHECK(names(224, 224, {{7, 4, 2}, {99, 1, 0}, {3, 2, 1}}) == Names{"onednn", "gemm", "gemm"});
}

}  // namespace pf::test
