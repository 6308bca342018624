// What makes a fuzz target useful and strict when it is started without arguments.
// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz_defaults.hpp"

#include <algorithm>
#include <filesystem>

#include "tests/support/temporary_folder.hpp"

// Freed memory is kept back for less long than by default, so that the limit on resident memory
// measures what an input really needs.
extern "C" const char* __asan_default_options() {
    return "quarantine_size_mb=16";
}

namespace pf::test {
namespace {

// libFuzzer reads the arguments in place for as long as the process lives.
struct Arguments {
    std::vector<std::string> texts;
    std::vector<char*> pointers;
};

std::string seed_folder(const Seeds& seeds) {
    static const TemporaryFolder folder;
    for (std::size_t i = 0; i < seeds.size(); ++i) folder.write(std::to_string(i), seeds[i]);
    return folder.path();
}

}  // namespace

void add_fuzz_defaults(int* argc, char*** argv, const Seeds& seeds,
                       const std::vector<std::string>& options) {
    static Arguments arguments;
    const std::vector<std::string> given(*argv, *argv + *argc);
    auto& texts = arguments.texts;
    texts = {given[0], std::string("-dict=") + PF_SOURCE_DIR + "/tests/fuzz/model.dict",
             "-timeout=1", "-rss_limit_mb=512", "-malloc_limit_mb=64"};
    texts.insert(texts.end(), options.begin(), options.end());
    texts.insert(texts.end(), given.begin() + 1, given.end());
    const bool replays_files =
        std::any_of(given.begin() + 1, given.end(),
                    [](const std::string& text) { return std::filesystem::is_regular_file(text); });
    if (!replays_files) texts.push_back(seed_folder(seeds));
    for (std::string& text : texts) arguments.pointers.push_back(text.data());
    *argc = static_cast<int>(texts.size());
    arguments.pointers.push_back(nullptr);
    *argv = arguments.pointers.data();
}

}  // namespace pf::test
