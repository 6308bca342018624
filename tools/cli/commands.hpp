// The subcommands of `poolformer`, one file each, and the options they share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tools/cli/runner.hpp"

namespace CLI {
class App;
}

namespace pf::cli {

// What the program returns; also told by --help.
enum ExitCode { kSuccess = 0, kFailure = 1, kUsageError = 2, kSlower = 3 };

// Each adds a subcommand to `app` that, when chosen, runs and sets exit_code.
void add_classify(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_bench_diff(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_compile(CLI::App& app, int& exit_code);

// What they add with: CLI11 itself, which takes longer to compile than all else here, is included
// by options.cpp and main.cpp only. `type` is what --help shows for a value.

// A subcommand that, when chosen, runs and sets exit_code.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& footer, int& exit_code, std::function<int()> run);
void add_flag(CLI::App& command, const std::string& name, bool& is_set, const std::string& help);
void add_list_option(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                     const std::string& help);
void add_text_option(CLI::App& command, const std::string& name, std::string& text,
                     const std::string& type, const std::string& help);
void add_required_option(CLI::App& command, const std::string& name, std::string& text,
                         const std::string& type, const std::string& help);
// A number from `smallest` to `largest`.
void add_number_option(CLI::App& command, const std::string& name, double& number, double smallest,
                       double largest, const std::string& type, const std::string& help);
// A whole number from 1 to `largest`.
void add_count_option(CLI::App& command, const std::string& name, std::size_t& count,
                      std::size_t largest, const std::string& help);
void add_model_option(CLI::App& command, std::string& path);
void add_size_option(CLI::App& command, InputSize& size);
void add_threads_option(CLI::App& command, std::size_t& num_threads);

}  // namespace pf::cli
