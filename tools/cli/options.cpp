// Options that several subcommands share.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "tools/cli/commands.hpp"

namespace pf::cli {

void add_count_option(CLI::App& command, const std::string& name, std::size_t& count,
                      std::size_t largest, const std::string& help) {
    command.add_option(name, count, help)
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, largest).description(""));
}

void add_model_option(CLI::App& command, std::string& folder) {
    command.add_option("MODEL", folder, "Folder or compiled file of the model")
        ->type_name("")
        ->required();
}

void add_size_option(CLI::App& command, InputSize& size) {
    const auto store = [&size](const std::string& text) {
        const std::string problem = parse_size(text, size);
        if (!problem.empty()) throw CLI::ValidationError("--size", problem);
    };
    command
        .add_option_function<std::string>("--size", store,
                                          "Input size in pixels (default: the model's own)")
        ->type_name("HEIGHTxWIDTH");
}

void add_threads_option(CLI::App& command, std::size_t& num_threads) {
    add_count_option(command, "--threads", num_threads, 1024,
                     "Threads to compute with (default: the CPUs this process may use)");
}

}  // namespace pf::cli
