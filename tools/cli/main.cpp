// The command line `poolformer`: parses arguments, runs a subcommand, returns its exit code.
// SPDX-License-Identifier: Apache-2.0
#include <poolformer/poolformer.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace {

constexpr const char* kFooter = R"(
MODEL is a folder with model.json and model.safetensors, such as models/poolformer_c10, or a file that
`poolformer compile` wrote.
PF_ISA=sse4_1, avx2 or avx512 in the environment chooses the instruction set.

Examples:
  poolformer classify models/poolformer_c10 models/photos/chelsea.png
  poolformer bench models/poolformer_c10 --threads 1
  poolformer inspect models/poolformer_c10
  poolformer classify --help

Exit codes:
  0  everything was done
  1  something could not be processed: a model, an image, a file; stderr says which and why
  2  the command line was wrong; nothing was done
  3  bench-diff only: something became slower)";

std::string failure_text(const CLI::App* app, const CLI::Error& error) {
    std::string text = error.what();
    if (app->get_parent() == nullptr && !app->remaining().empty()) {
        text = "found \"" + app->remaining().front() + "\", expected one of";
        for (const CLI::App* command : app->get_subcommands({})) text += " " + command->get_name();
    }
    return pf::cli::without_controls(text) + "\nRun with --help for more information.\n";
}

int run(int argc, char** argv) {
    int exit_code = pf::cli::kSuccess;
    CLI::App app("Classifies images with PoolFormer networks on the CPU.", "poolformer");
    app.footer(kFooter);
    app.set_version_flag("--version", std::string("poolformer ") + pf_version());
    app.require_subcommand(1);
    app.failure_message(failure_text);
    pf::cli::add_classify(app, exit_code);
    pf::cli::add_bench(app, exit_code);
    pf::cli::add_bench_diff(app, exit_code);
    pf::cli::add_inspect(app, exit_code);
    pf::cli::add_compile(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? pf::cli::kSuccess : pf::cli::kUsageError;
    }
    return exit_code;
}

// A full disk or a closed pipe must not look like success.
int flush(int exit_code) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
    pf::cli::print_error("cannot write to standard output: is the disk full, or its reader gone?");
    return pf::cli::kFailure;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return flush(run(argc, argv));
    } catch (const std::bad_alloc&) {
        pf::cli::print_error("out of memory; use smaller images, a smaller --size or --batch");
    } catch (const std::exception& error) {
        pf::cli::print_error(std::string("unexpected: ") + error.what() + "; please report it");
    }
    return pf::cli::kFailure;
}
