// How `poolformer bench-diff` writes its result.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tools/cli/bench_diff.hpp"
#include "tools/cli/latency.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNumColumns = 7;
using Cells = std::array<std::string, kNumColumns>;

const Cells kTitles = {"model",    "engine",        "before ms", "after ms",
                       "change %", "95 % interval", "verdict"};
constexpr std::array<bool, kNumColumns> kIsNumber = {false, false, true, true, true, true, false};

const char* words(Verdict verdict) {
    if (verdict == Verdict::no_change_shown) return "no change shown";
    return verdict == Verdict::slower ? "slower" : "faster";
}

double percent(double ratio) {
    return (ratio - 1) * 100;
}

Cells cells_of(const DiffRow& row) {
    return {row.before->model,
            row.before->engine,
            format("%.3f", median(row.before->ms)),
            format("%.3f", median(row.after->ms)),
            format("%+.1f", percent(row.change.ratio)),
            format("%+.1f to %+.1f", percent(row.change.low), percent(row.change.high)),
            words(row.verdict)};
}

// Code points, for names are UTF-8.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool is_number) {
    const std::string space(width - width_of(text), ' ');
    return is_number ? space + text : text + space;
}

std::string table(const std::vector<Cells>& rows) {
    std::array<std::size_t, kNumColumns> widths{};
    for (const Cells& row : rows) {
        for (std::size_t i = 0; i < kNumColumns; ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string text;
    for (const Cells& row : rows) {
        for (std::size_t i = 0; i + 1 < kNumColumns; ++i) {
            text += padded(row[i], widths[i], kIsNumber[i]) + "  ";
        }
        text += row.back() + '\n';
    }
    return text;
}

Json row_json(const DiffRow& row) {
    return {{"model", row.before->model},
            {"engine", row.before->engine},
            {"before_ms", median(row.before->ms)},
            {"after_ms", median(row.after->ms)},
            {"before_rounds", row.before->ms.size()},
            {"after_rounds", row.after->ms.size()},
            {"change_percent", percent(row.change.ratio)},
            {"interval_percent", {percent(row.change.low), percent(row.change.high)}},
            {"verdict", words(row.verdict)}};
}

}  // namespace

std::string to_text(const Diff& diff) {
    std::vector<Cells> rows = {kTitles};
    for (const DiffRow& row : diff.rows) rows.push_back(cells_of(row));
    return table(rows) +
           "Changes are of the time relative to the FMA peak of the same round; + is slower.\n";
}

std::string to_json(const Diff& diff, const ResultFile& before, const ResultFile& after,
                    double threshold_percent) {
    Json rows = Json::array();
    for (const DiffRow& row : diff.rows) rows.push_back(row_json(row));
    const Json json = {{"before", {{"file", before.file}, {"cpu", before.cpu}}},
                       {"after", {{"file", after.file}, {"cpu", after.cpu}}},
                       {"threshold_percent", threshold_percent},
                       {"rows", rows},
                       {"warnings", diff.warnings}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace pf::cli
