// The subcommands of `poolformer`, one file each, and the options they share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <string>

#include "tools/cli/runner.hpp"

namespace pf::cli {

// What the program returns; also told by --help.
enum ExitCode { kSuccess = 0, kFailure = 1, kUsageError = 2, kSlower = 3 };

// Each adds a subcommand to `app` that, when chosen, runs and sets exit_code.
void add_classify(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_bench_diff(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_compile(CLI::App& app, int& exit_code);

// A number from 1 to `largest`.
void add_count_option(CLI::App& command, const std::string& name, std::size_t& count,
                      std::size_t largest, const std::string& help);
void add_model_option(CLI::App& command, std::string& folder);
void add_size_option(CLI::App& command, InputSize& size);
void add_threads_option(CLI::App& command, std::size_t& num_threads);

}  // namespace pf::cli
