// What the library says a model and a session take: MODEL HEIGHT WIDTH THREADS -> two numbers.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <poolformer/poolformer.hpp>

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const auto model = poolformer::Model::load(argv[1]);
    if (!model) return 1;
    poolformer::SessionOptions options;
    options.input_height = std::strtoul(argv[2], nullptr, 10);
    options.input_width = std::strtoul(argv[3], nullptr, 10);
    options.num_threads = std::strtoul(argv[4], nullptr, 10);
    const auto session = poolformer::Session::create(*model, options);
    if (!session) return 1;
    std::printf("%zu %zu\n", model->info().weight_bytes, session->info().arena_bytes);
    return 0;
}
