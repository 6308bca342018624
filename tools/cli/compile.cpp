// `poolformer compile`: a model as one file that loads in milliseconds.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr const char* kFooter = R"(
The file holds the weights as the kernels of one instruction set read them. It is mapped, not read: it
loads in milliseconds, and processes that use it share its pages. Another instruction set, or another
version of the packing, needs another file; the error says so. Replace a file in use, do not rewrite it.

Examples:
  poolformer compile models/poolformer_c10 -o c10.pf
  poolformer classify c10.pf models/photos/chelsea.png
  poolformer compile MODEL -o model.sse4_1.pf --isa sse4_1

Exit codes:
  0  the file is complete
  1  the model could not be read, or the file not written; then there is none
  2  the command line was wrong)";

struct Options {
    std::string model;
    std::string output;
    std::string isa;
};

// Packed weights cannot be turned back.
bool is_part_of_model(const Options& options) {
    const std::filesystem::path folder(options.model);
    std::error_code ignored;
    return std::filesystem::equivalent(options.output, folder / "model.json", ignored) ||
           std::filesystem::equivalent(options.output, folder / "model.safetensors", ignored);
}

int run(const Options& options) {
    if (is_part_of_model(options)) {
        print_error(options.output + ": is a file of the model itself; name another one");
        return kFailure;
    }
    pf_model_info info{};
    const auto model = open_model(options.model, options.isa, info);
    if (!model) {
        print_error(model.error().message);
        return kFailure;
    }
    if (pf_model_save_compiled(model->get(), options.output.c_str()) != PF_OK) {
        print_error(pf_last_error());
        return kFailure;
    }
    std::error_code ignored;
    std::printf("%s: %s for %s, %s\n", without_controls(options.output).c_str(),
                without_controls(info.name).c_str(), info.isa,
                bytes_text(std::filesystem::file_size(options.output, ignored)).c_str());
    return kSuccess;
}

}  // namespace

void add_compile(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App& command = add_command(app, "compile", "Pack a model into one file that loads fast",
                                    kFooter, exit_code, [options] { return run(*options); });
    add_model_option(command, options->model);
    add_required_option(command, "-o,--output", options->output, "FILE", "File to write");
    add_text_option(command, "--isa", options->isa, "NAME",
                    "Instruction set (default: the CPU's best)");
}

}  // namespace pf::cli
