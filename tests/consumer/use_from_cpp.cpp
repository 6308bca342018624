// A C++17 program over the library, without exceptions: two threads and one give the same bits.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.hpp>

#include <cstdio>
#include <utility>
#include <vector>

namespace {

using poolformer::Expected;
using poolformer::Model;
using poolformer::Session;
using poolformer::SessionOptions;

Expected<std::vector<float>> run(const Model& model, std::size_t num_threads) {
    SessionOptions options;
    options.num_threads = num_threads;
    auto session = Session::create(model, options);
    if (!session) return session.error();
    const auto info = model.info();
    const std::vector<float> input(3 * info.input_height * info.input_width, 0.5f);
    std::vector<float> logits(info.num_classes);
    if (auto done = session->run(input, logits); !done) return done.error();
    return logits;
}

int fail(const char* message) {
    std::fprintf(stderr, "%s\n", message);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return fail("usage: use_from_cpp MODEL");
    const auto model = Model::load(argv[1]);
    if (!model) return fail(model.message());
    const auto one = run(*model, 1);
    if (!one) return fail(one.message());
    const auto two = run(*model, 2);
    if (!two) return fail(two.message());
    if (*one != *two) return fail("one thread and two give different logits");
    std::puts("one thread and two agree");
    return 0;
}
