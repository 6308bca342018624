// How long a compiled file takes to load: tools/test.sh --full.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/api_handles.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {
// A promise of the guide, with room for a slow machine; the least of five, since others use it,
// too.
TEST_CASE("slow: a compiled S12 in the page cache loads within 20 ms" * doctest::skip()) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    const TemporaryFolder folder;
    const Description& description = golden().network("s12_224x224").heads.front().description;
    write_model(folder, description, hash_weights(description, golden().weights_seed));
    const std::string file = folder.path("s12.pf");
    REQUIRE(pf_model_save_compiled(load(folder.path()).get(), file.c_str()) == PF_OK);
    Milliseconds least = Milliseconds::max();
    for (int i = 0; i < 5; ++i) {
        const auto start = std::chrono::steady_clock::now();
        const ModelHandle model = load(file);
        least = std::min<Milliseconds>(least, std::chrono::steady_clock::now() - start);
    }
    MESSAGE(least.count() << " ms");
    CHECK(least.count() <= 20);
}

}  // namespace pf::test
