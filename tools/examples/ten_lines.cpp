// Example: what ten_lines.c does, in C++17, with handles that destroy themselves.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.hpp>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <vector>

int main(int argc, char** argv) try {
    // value() throws poolformer::Error; without exceptions, test the result and read message().
    const auto model =
        poolformer::Model::load(argc > 1 ? argv[1] : "models/poolformer_c10").value();
    auto session = poolformer::Session::create(model).value();

    const poolformer::ModelInfo info = model.info();
    std::vector<float> input(3 * info.input_height * info.input_width);
    std::vector<float> logits(info.num_classes);
    for (std::size_t i = 0; i < input.size(); ++i) {
        const auto x = static_cast<float>(i % info.input_width);
        input[i] = 2 * x / static_cast<float>(info.input_width) - 1;
    }
    session.run(input, logits).value();

    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    const char* label = model.label(static_cast<std::size_t>(best));
    std::cout << "a gradient is most like: " << (label == nullptr ? "no label" : label) << '\n';
    return 0;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
