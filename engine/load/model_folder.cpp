// load_model_folder, load_model_bytes: model.json and model.safetensors.
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <system_error>

#include "engine/load/file_reader.hpp"
#include "engine/load/supported.hpp"
#include "engine/load/weights.hpp"

namespace pf {
namespace {

Status check_folder(const std::string& folder) {
    std::error_code problem;
    const auto kind = std::filesystem::status(folder, problem).type();
    if (kind == std::filesystem::file_type::directory) return {};
    std::string found = problem.message();
    if (kind == std::filesystem::file_type::not_found) found = "no such file or folder";
    if (!problem) found = "found neither a folder nor a file with content of its own";
    return Error{ErrorCode::file_error,
                 (folder.empty() ? "\"\"" : folder) + ": " + found +
                     ", expected a model folder with model.json and model.safetensors, or a file "
                     "of `poolformer compile`"};
}

}  // namespace

Result<Description> read_description(std::string_view text, const std::string& file) {
    Result<Description> description = parse_description(text, file);
    if (!description) return description.error();
    // Before the weights: what an unknown mixer needs would otherwise be an "unexpected tensor".
    if (Status status = check_supported(*description); !status) {
        return Error{status.error().code, file + ": " + status.error().message};
    }
    return description;
}

Result<LoadedModel> load_model_folder(const std::string& folder) {
    if (Status status = check_folder(folder); !status) return status.error();
    const std::string separator = folder.back() == '/' ? "" : "/";
    const std::string description_file = folder + separator + "model.json";
    const Result<std::string> text = read_text(description_file, kMaxDescriptionBytes);
    if (!text) return text.error();
    Result<Description> description = read_description(*text, description_file);
    if (!description) return description.error();
    Result<Weights> weights = Weights::load(folder + separator + "model.safetensors", *description);
    if (!weights) return weights.error();
    return LoadedModel{std::move(*description), std::move(*weights), *text};
}

Result<LoadedModel> load_model_bytes(std::string_view json,
                                     std::span<const std::byte> safetensors) {
    const std::string file = "model.json";
    Result<Description> description = read_description(json, file);
    if (!description) return description.error();
    Result<Weights> weights = Weights::from_bytes({safetensors.begin(), safetensors.end()},
                                                  "model.safetensors", *description);
    if (!weights) return weights.error();
    return LoadedModel{std::move(*description), std::move(*weights), std::string(json)};
}

}  // namespace pf
