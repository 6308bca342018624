// Example: what ten_lines.c does, in C++17, where handles destroy themselves.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.hpp>

#include <iostream>
#include <vector>

int main(int argc, char** argv) try {
    const char* path = argc > 1 ? argv[1] : "models/poolformer_c10";
    const auto model = poolformer::Model::load(path).value();  // or throws poolformer::Error
    auto session = poolformer::Session::create(model).value();
    const std::vector<float> image(3 * 32 * 32);  // grey; model.preprocess makes one of a photo
    std::vector<float> scores(10);
    poolformer::Run run;
    run.input = image;
    run.probabilities = scores;
    session.run(run).value();
    for (std::size_t i = 0; model.label(i) != nullptr; ++i) {
        std::cout << model.label(i) << ' ' << scores[i] << '\n';
    }
} catch (const poolformer::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
