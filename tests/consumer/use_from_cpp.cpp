// A C++17 program over the library: two threads and one must give the same bits.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

void check(pf_status status) {
    if (status != PF_OK) throw std::runtime_error(pf_last_error());
}

std::vector<float> run(const pf_model* model, std::size_t num_threads) {
    pf_model_info info{};
    info.struct_size = sizeof info;
    check(pf_model_get_info(model, &info));
    pf_session_options options{};
    options.struct_size = sizeof options;
    options.num_threads = num_threads;
    pf_session* made = nullptr;
    check(pf_session_create(model, &options, &made));
    const std::unique_ptr<pf_session, decltype(&pf_session_destroy)> session(made,
                                                                             &pf_session_destroy);
    const std::vector<float> input(3 * info.input_height * info.input_width, 0.5f);
    std::vector<float> logits(info.num_classes);
    check(pf_session_run(session.get(), input.data(), 1, logits.data()));
    return logits;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) throw std::runtime_error("usage: use_from_cpp MODEL");
    pf_model* made = nullptr;
    check(pf_model_load(argv[1], nullptr, &made));
    const std::unique_ptr<pf_model, decltype(&pf_model_destroy)> model(made, &pf_model_destroy);
    if (run(model.get(), 1) != run(model.get(), 2)) {
        throw std::runtime_error("one thread and two give different logits");
    }
    std::cout << "one thread and two agree\n";
    return 0;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
