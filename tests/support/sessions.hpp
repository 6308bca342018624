// Sessions of tiny networks, and the interpreter's answer to the same input.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/compile/compile.hpp"
#include "engine/interpret/interpret.hpp"
#include "engine/run/session.hpp"

namespace pf::test {

// What $PF_ISA names, else this CPU's best: for tests that are run once per instruction set
// (tools/checks/steps.sh) instead of going through all of them.
const kernels::KernelTable& chosen_kernels();

// These throw where the engine returns an error.
std::shared_ptr<const Model> compile_model(const LoadedModel& loaded,
                                           const kernels::KernelTable& table);
std::unique_ptr<Session> make_session(std::shared_ptr<const Model> model, std::size_t height,
                                      std::size_t width, std::size_t num_threads = 1);
std::unique_ptr<Session> make_session(std::shared_ptr<const Model> model,
                                      const SessionOptions& options);
Interpretation interpret_model(const LoadedModel& loaded, const std::vector<float>& image,
                               std::size_t height, std::size_t width);

// Logits of [batch, 3, height, width].
std::vector<float> run(Session& session, const std::vector<float>& images, std::size_t batch = 1);

struct Tapped {
    std::vector<float> logits;
    std::vector<Map> taps;  // in the order of Model::taps
};
Tapped run_tapped(Session& session, const std::vector<float>& image);

// The roundings on the longest way of a number through the network: the tolerance of the executor
// is that many half epsilons of a map's largest value, since no layer of a hash network (matrices
// of variance 1 / fan-in between norms) enlarges a relative error by much.
std::size_t count_roundings(const Description& description);

}  // namespace pf::test
