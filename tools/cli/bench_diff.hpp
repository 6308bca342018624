// The parts of `poolformer bench-diff`: reading results, the statistic, pairing, the output.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace pf::cli {

// With fewer rounds than this a comparison is a hint, not a number to quote.
constexpr std::size_t kQuotableRounds = 50;

// How long one engine took on one model, round by round.
struct Measurement {
    std::string model;
    std::string engine;
    std::vector<double> ms;
    // Each time multiplied by the same round's FMA peak: the millions of operations that the peak
    // would have done meanwhile. A slower clock lengthens the time, lowers the peak and cancels
    // out.
    std::vector<double> normalised;
};

// A field that must be the same in both files, and its value in words.
struct Condition {
    std::string field;
    std::string value;
};

struct ResultFile {
    std::string file;
    std::string writer;  // "poolformer bench --json" or "bench/suite/run.sh --output"
    std::string cpu;
    std::vector<Condition> conditions;
    std::vector<Measurement> measurements;
};

// What either of the two writers has written. Errors name file, field, found and expected.
Result<ResultFile> read_result_file(const std::string& file);
Result<ResultFile> parse_result(std::string_view text, const std::string& file);

// Median of `after` over median of `before`, with a 95 % confidence interval.
struct Change {
    double ratio = 1;
    double low = 1;
    double high = 1;
};

enum class Verdict { faster, slower, no_change_shown };

// Neither list may be empty; all entries are positive. The same lists give the same bits.
Change estimate_change(const std::vector<double>& before, const std::vector<double>& after);

// A change is shown if the interval excludes 1 and the ratio is at least the threshold away from 1.
Verdict judge(const Change& change, double threshold_percent);

struct DiffRow {
    const Measurement* before;  // owned by the ResultFile
    const Measurement* after;
    Change change;
    Verdict verdict;
};

struct Diff {
    std::vector<DiffRow> rows;  // one for each model and engine that both files have
    std::vector<std::string> warnings;
};

// Refuses files whose conditions differ or that have nothing in common.
Result<Diff> compare(const ResultFile& before, const ResultFile& after, double threshold_percent);

// A table for people.
std::string to_text(const Diff& diff);

// One JSON object.
std::string to_json(const Diff& diff, const ResultFile& before, const ResultFile& after,
                    double threshold_percent);

}  // namespace pf::cli
