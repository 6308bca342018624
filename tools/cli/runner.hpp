// Runner: a model and a session, opened through the public C API.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poolformer/poolformer.h>

#include <cstddef>
#include <memory>
#include <string>

#include "engine/base/result.hpp"

namespace pf::cli {

struct Destroy {
    void operator()(pf_model* model) const { pf_model_destroy(model); }
    void operator()(pf_session* session) const { pf_session_destroy(session); }
};
using ModelHandle = std::unique_ptr<pf_model, Destroy>;
using SessionHandle = std::unique_ptr<pf_session, Destroy>;

// Pixels; 0 x 0 stands for the model's own size.
struct InputSize {
    std::size_t height = 0;
    std::size_t width = 0;
};

struct RunnerOptions {
    std::string model;  // folder or compiled file
    InputSize size;
    std::size_t num_threads = 0;  // 0: the CPU budget
    std::size_t batch = 1;        // images per run to plan for
};

struct Runner {
    ModelHandle model;
    SessionHandle session;
    pf_model_info model_info{};
    pf_session_info session_info{};

    std::size_t input_floats() const {
        return 3 * session_info.input_height * session_info.input_width;
    }
};

// What the last failed call of the C API said.
Error last_error(pf_status status);

// What to do about a model at `path` that could not be loaded, to stand behind the error; or
// nothing, if the error says it.
std::string model_hint(const std::string& path, const Error& error);

// Errors say what to do about a wrong folder, a wrong PF_ISA, a wrong size.
// isa: empty for PF_ISA or the CPU's best.
Result<ModelHandle> open_model(const std::string& path, const std::string& isa,
                               pf_model_info& info);
Result<Runner> open_runner(const RunnerOptions& options);

// "" if text is HxW, such as 224x224 (then it is stored), else what is wrong.
std::string parse_size(const std::string& text, InputSize& size);

}  // namespace pf::cli
