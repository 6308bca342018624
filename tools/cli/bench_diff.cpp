// `poolformer bench-diff`: whether a change made models faster or slower.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/bench_diff.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr const char* kFooter = R"(
BEFORE and AFTER are two files of `poolformer bench --json` or two of `bench/suite/run.sh --output`,
of the same models, size, batch, threads and instruction set. What is compared is the time relative
to the FMA peak of the same round, so that a slower clock is no change of the program. The change is
the ratio of the medians, with a 95 % interval. "faster" and "slower" are said if the interval
excludes 0 % and the change is not below the threshold.

Examples:
  poolformer bench MODEL --seconds 20 --json before.json
  poolformer bench-diff before.json after.json
  poolformer bench-diff before.json after.json --threshold 5 --json

Exit codes:
  0  compared, and nothing is slower
  1  a file could not be read, or the two not be compared
  2  the command line was wrong
  3  compared, and something is slower)";

struct BenchDiffOptions {
    std::string before;
    std::string after;
    double threshold_percent = 3;
    bool is_json = false;
};

int fail(const Error& error) {
    print_error(error.message);
    return kFailure;
}

int run(const BenchDiffOptions& options) {
    const auto before = read_result_file(options.before);
    if (!before) return fail(before.error());
    const auto after = read_result_file(options.after);
    if (!after) return fail(after.error());
    const auto diff = compare(*before, *after, options.threshold_percent);
    if (!diff) return fail(diff.error());
    for (const std::string& warning : diff->warnings) print_error("warning: " + warning);
    const std::string text = options.is_json
                                 ? to_json(*diff, *before, *after, options.threshold_percent)
                                 : to_text(*diff);
    std::fputs(text.c_str(), stdout);
    const bool is_slower =
        std::any_of(diff->rows.begin(), diff->rows.end(),
                    [](const DiffRow& row) { return row.verdict == Verdict::slower; });
    return is_slower ? kSlower : kSuccess;
}

// By hand: CLI::Range lets "nan" pass.
double parse_threshold(const std::string& text) {
    double percent = -1;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), percent);
    const bool is_number = problem == std::errc() && end == text.data() + text.size();
    if (is_number && percent >= 0 && percent <= 1000) return percent;
    throw CLI::ValidationError("--threshold", "found \"" + text + "\", expected 0 to 1000");
}

}  // namespace

void add_bench_diff(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<BenchDiffOptions>();
    CLI::App* command =
        app.add_subcommand("bench-diff", "Tell whether one benchmark's result is slower");
    command->footer(kFooter);
    command->add_option("BEFORE", options->before, "Result to compare with")
        ->type_name("")
        ->required();
    command->add_option("AFTER", options->after, "Result to judge")->type_name("")->required();
    command
        ->add_option_function<std::string>(
            "--threshold",
            [options](const std::string& text) {
                options->threshold_percent = parse_threshold(text);
            },
            "Smallest change that counts (default: 3)")
        ->type_name("PERCENT");
    command->add_flag("--json", options->is_json, "Write one JSON object instead of a table");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace pf::cli
