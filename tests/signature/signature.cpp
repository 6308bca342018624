// pf_signature: one hash of the logits of seeded models per instruction set this CPU can run.
// SPDX-License-Identifier: Apache-2.0
//
//     pf_signature           prints lines such as "avx2 0123456789abcdef"
//     pf_signature --list    prints the instruction sets only, best first
//
// A commit that changes no line says "outputs: same" (CONTRIBUTING.md).
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/api_session.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/hash.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// Both heads, channels that fill no vector, an odd map, and S12 itself.
const std::vector<TinyModel> kModels = {
    {.depths = {1, 2}, .channels = {8, 16}, .image_size = 32},
    {.depths = {2, 1},
     .channels = {20, 36},
     .image_size = 61,
     .head_order = HeadOrder::pool_norm,
     .seed = 2},
    {.depths = {2, 2, 6, 2}, .channels = {64, 128, 320, 512}, .image_size = 97, .classes = 1000},
};

std::vector<float> logits_of(const TinyModel& options, const std::string& isa) {
    const TemporaryFolder folder;
    const Description description = tiny_description(options);
    write_model(folder, description, hash_weights(description, options.seed));
    ApiSession session(folder.path(), isa, options.image_size, options.image_size);
    return session.run(hash_input(options.seed, options.image_size, options.image_size));
}

// FNV-1a over the bits of all logits.
std::uint64_t signature(const std::string& isa) {
    std::vector<float> all;
    for (const TinyModel& options : kModels) {
        const std::vector<float> logits = logits_of(options, isa);
        all.insert(all.end(), logits.begin(), logits.end());
    }
    return name_key({reinterpret_cast<const char*>(all.data()), all.size() * sizeof(float)});
}

int run(bool only_list) {
    for (const std::string& isa : runnable_isas()) {
        if (only_list) {
            std::printf("%s\n", isa.c_str());
        } else {
            std::printf("%s %016llx\n", isa.c_str(),
                        static_cast<unsigned long long>(signature(isa)));
        }
    }
    return 0;
}

}  // namespace
}  // namespace pf::test

int main(int argc, char** argv) try {
    const bool only_list = argc == 2 && std::string_view(argv[1]) == "--list";
    if (argc > 1 && !only_list) {
        std::fprintf(stderr, "usage: pf_signature [--list]\n");
        return 2;
    }
    return pf::test::run(only_list);
} catch (const std::exception& error) {
    std::fprintf(stderr, "pf_signature: %s\n", error.what());
    return 1;
}
