// `poolformer bench`: how fast a model runs on this machine.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/bench.hpp"

#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/load/file_writer.hpp"
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

Status measure_and_write(const BenchOptions& options) {
    const bool replaces_text = options.json_file == "-";
    std::optional<FileWriter> writer;
    if (!options.json_file.empty() && !replaces_text) {  // fails now rather than after all runs
        auto created = FileWriter::create(options.json_file);
        if (!created) return created.error();
        writer.emplace(std::move(*created));
    }
    const auto runner = open_runner(options.runner);
    if (!runner) return runner.error();
    const auto result = measure(*runner, options);
    if (!result) return result.error();
    const std::string json = to_json(*runner, options, *result);
    std::fputs((replaces_text ? json : to_text(*runner, options, *result)).c_str(), stdout);
    if (!writer) return {};
    if (Status status = writer->write(std::as_bytes(std::span(json))); !status) return status;
    return writer->commit();
}

int run(const BenchOptions& options) {
    const Status status = measure_and_write(options);
    if (!status) print_error(status.error().message);
    return status ? kSuccess : kFailure;
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
