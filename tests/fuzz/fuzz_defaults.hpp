// What makes a fuzz target useful and strict when it is started without arguments.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pf::test {

using Seeds = std::vector<std::vector<std::byte>>;

// Called by LLVMFuzzerInitialize. Puts defaults before the user's arguments, which therefore win:
// the dictionary, a time limit of 1 s per input, limits on memory. Unless single files are to be
// replayed, adds a folder with `seeds` as a corpus; it is removed at exit.
void add_fuzz_defaults(int* argc, char*** argv, const Seeds& seeds,
                       const std::vector<std::string>& options);

}  // namespace pf::test
