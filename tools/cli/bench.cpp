// `poolformer bench`: how fast a model runs on this machine.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/bench.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr const char* kFooter = R"(
Times runs of the network alone, on an input made up in memory. GFLOP/s counts two operations for
each multiply-accumulate of convolutions and linear layers. The peak is measured between the runs,
with the same instruction set and threads. Percentiles are times of single runs; the 99th needs
1000 of them, the 99.9th 10000. The JSON also has every round, for `poolformer bench-diff`.

Examples:
  poolformer bench models/poolformer_c10
  poolformer bench MODEL --threads 1 --seconds 60 --json result.json
  poolformer bench MODEL --size 384x512 --batch 8
  PF_ISA=avx2 poolformer bench MODEL --json -

Exit codes:
  0  measured
  1  the model could not be run, or the JSON file not be written
  2  the command line was wrong)";

bool write_file(const std::string& file, const std::string& text) {
    std::ofstream stream(file, std::ios::binary);
    stream << text;
    stream.close();
    return stream.good();
}

bool is_in_a_folder(const std::string& file) {
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    std::error_code error;
    return folder.empty() || std::filesystem::is_directory(folder, error);
}

int run(const BenchOptions& options) {
    if (!is_in_a_folder(options.json_file)) {  // better said now than after all runs
        print_error(options.json_file + ": cannot write the result; there is no such folder");
        return kFailure;
    }
    const auto runner = open_runner(options.runner);
    const auto result = runner ? measure(*runner, options) : Result<BenchResult>(runner.error());
    if (!result) {
        print_error(result.error().message);
        return kFailure;
    }
    const bool replaces_text = options.json_file == "-";
    std::fputs(replaces_text ? to_json(*runner, options, *result).c_str()
                             : to_text(*runner, options, *result).c_str(),
               stdout);
    if (options.json_file.empty() || replaces_text) return kSuccess;
    if (write_file(options.json_file, to_json(*runner, options, *result))) return kSuccess;
    print_error(options.json_file + ": cannot write the result");
    return kFailure;
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<BenchOptions>();
    CLI::App& command = add_command(app, "bench", "Measure how fast a model runs", kFooter,
                                    exit_code, [options] { return run(*options); });
    add_model_option(command, options->runner.model);
    add_size_option(command, options->runner.size);
    add_threads_option(command, options->runner.num_threads);
    add_count_option(command, "--batch", options->runner.batch, 4096,
                     "Images per run (default: 1)");
    add_number_option(command, "--seconds", options->seconds, 0.1, 86400, "S",
                      "How long to measure (default: 5)");
    add_text_option(command, "--json", options->json_file, "FILE",
                    "Also write the result here, as JSON; - writes nothing but JSON to "
                    "standard output");
}

}  // namespace pf::cli
