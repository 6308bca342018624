// ApiSession: a model and a session through the C API, for tests that stand where a user stands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/interpret/interpret.hpp"
#include "tests/support/api_structs.hpp"

namespace pf::test {

// The instruction sets this CPU can run, best first, as the API names them.
std::vector<std::string> runnable_isas();

struct TappedRun {
    std::vector<float> logits;
    std::vector<std::string> names;  // of the taps
    std::vector<Map> taps;
};

// Every failure throws with pf_last_error().
class ApiSession {
  public:
    // The model in `folder` on the instruction set `isa`, for one input size.
    ApiSession(const std::string& folder, const std::string& isa, std::size_t height,
               std::size_t width, std::size_t num_threads = 1);

    // input: [batch, 3, height, width]; returns [batch, classes].
    std::vector<float> run(const std::vector<float>& input, std::size_t batch = 1);
    TappedRun run_tapped(const std::vector<float>& input);

  private:
    ModelHandle model_;
    SessionHandle session_;
    std::size_t num_classes_ = 0;
    std::size_t num_taps_ = 0;
};

}  // namespace pf::test
