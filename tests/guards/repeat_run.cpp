// pf_repeat_run MODEL N: runs a model N times on one thread, for instruction_count.py to count.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: pf_repeat_run MODEL N\n");
        return 2;
    }
    pf_model* model = nullptr;
    pf_session* session = nullptr;
    pf_model_info info{};
    info.struct_size = sizeof info;
    bool succeeded = pf_model_load(argv[1], nullptr, &model) == PF_OK &&
                     pf_model_get_info(model, &info) == PF_OK &&
                     pf_session_create(model, nullptr, &session) == PF_OK;
    std::vector<float> input(3 * info.input_height * info.input_width);
    for (std::size_t i = 0; i < input.size(); ++i) {
        input[i] = static_cast<float>(i % 251) / 125.0f - 1.0f;
    }
    std::vector<float> logits(info.num_classes);
    for (int i = 0; succeeded && i < std::atoi(argv[2]); ++i) {
        succeeded = pf_session_run(session, input.data(), 1, logits.data()) == PF_OK;
    }
    if (!succeeded) std::fprintf(stderr, "pf_repeat_run: %s\n", pf_last_error());
    pf_session_destroy(session);
    pf_model_destroy(model);
    return succeeded ? 0 : 1;
}
