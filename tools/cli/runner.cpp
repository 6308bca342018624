// Runner: a model and a session, opened through the public C API.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/runner.hpp"

#include <charconv>
#include <system_error>
#include <utility>

#include "engine/compile/compiled_file.hpp"
#include "engine/run/cpu_budget.hpp"

namespace pf::cli {
namespace {

constexpr std::uint32_t kSpinMicroseconds = 200;  // longer than the gaps between images' steps
constexpr std::size_t kMaxSide = 65535;

std::string session_hint(const Error& error, const RunnerOptions& options) {
    if (error.code == ErrorCode::out_of_memory) {
        return options.batch > 1 ? "; use a smaller --size or --batch" : "; use a smaller --size";
    }
    const bool has_size = options.size.height != 0;
    return has_size && error.code == ErrorCode::invalid_argument ? "; choose another --size" : "";
}

bool parse_side(const char*& first, const char* last, std::size_t& side) {
    const auto parsed = std::from_chars(first, last, side);
    first = parsed.ptr;
    return parsed.ec == std::errc() && side >= 1 && side <= kMaxSide;
}

Result<SessionHandle> open_session(const pf_model* model, const RunnerOptions& options) {
    pf_session_options session_options{};
    session_options.struct_size = sizeof session_options;
    session_options.input_height = options.size.height;
    session_options.input_width = options.size.width;
    session_options.num_threads = options.num_threads != 0 ? options.num_threads : cpu_budget();
    session_options.spin_us = kSpinMicroseconds;
    session_options.batch = options.batch;
    pf_session* session = nullptr;
    const pf_status status = pf_session_create(model, &session_options, &session);
    if (status != PF_OK) {
        Error error = last_error(status);
        error.message += session_hint(error, options);
        return error;
    }
    return SessionHandle(session);
}

}  // namespace

std::string model_hint(const std::string& path, const Error& error) {
    if (error.message.find("PF_ISA") != std::string::npos) {
        return "; unset PF_ISA to use the CPU's best instruction set";
    }
    if (is_file(path)) return "";
    if (error.code == ErrorCode::file_error || error.code == ErrorCode::invalid_model) {
        return "; models/README.md says what a model folder holds, tools/export writes one";
    }
    return "";
}

Error last_error(pf_status status) {
    return {static_cast<ErrorCode>(status), pf_last_error()};
}

Result<ModelHandle> open_model(const std::string& path, const std::string& isa,
                               pf_model_info& info) {
    pf_model_options options{};
    options.struct_size = sizeof options;
    options.isa = isa.empty() ? nullptr : isa.c_str();
    pf_model* model = nullptr;
    pf_status status = pf_model_load(path.c_str(), &options, &model);
    if (status != PF_OK) {
        Error error = last_error(status);
        error.message += model_hint(path, error);
        return error;
    }
    ModelHandle handle(model);
    info.struct_size = sizeof info;
    status = pf_model_get_info(model, &info);
    if (status != PF_OK) return last_error(status);
    return handle;
}

Result<Runner> open_runner(const RunnerOptions& options) {
    Runner runner;
    auto model = open_model(options.model, {}, runner.model_info);
    if (!model) return model.error();
    runner.model = std::move(*model);
    auto session = open_session(runner.model.get(), options);
    if (!session) return session.error();
    runner.session = std::move(*session);
    runner.session_info.struct_size = sizeof runner.session_info;
    const pf_status status = pf_session_get_info(runner.session.get(), &runner.session_info);
    if (status != PF_OK) return last_error(status);
    return runner;
}

std::string parse_size(const std::string& text, InputSize& size) {
    InputSize parsed;
    const char* first = text.data();
    const char* last = first + text.size();
    const bool is_valid = parse_side(first, last, parsed.height) && first != last &&
                          *first++ == 'x' && parse_side(first, last, parsed.width) && first == last;
    if (!is_valid)
        return "found \"" + text + "\", expected HEIGHTxWIDTH in pixels, such as 224x224";
    size = parsed;
    return "";
}

}  // namespace pf::cli
