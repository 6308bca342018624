// `poolformer bench-diff`: whether a change made models faster or slower.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/bench_diff.hpp"

#include <algorithm>
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

}  // namespace

void add_bench_diff(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<BenchDiffOptions>();
    CLI::App& command =
        add_command(app, "bench-diff", "Tell whether one benchmark's result is slower", kFooter,
                    exit_code, [options] { return run(*options); });
    add_required_option(command, "BEFORE", options->before, "", "Result to compare with");
    add_required_option(command, "AFTER", options->after, "", "Result to judge");
    add_number_option(command, "--threshold", options->threshold_percent, 0, 1000, "PERCENT",
                      "Smallest change that counts (default: 3)");
    add_flag(command, "--json", options->is_json, "Write one JSON object instead of a table");
}

}  // namespace pf::cli
