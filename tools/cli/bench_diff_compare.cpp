// How `poolformer bench-diff` pairs two results: what is refused, and what it warns of.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/load/messages.hpp"
#include "tools/cli/bench_diff.hpp"

namespace pf::cli {
namespace {

Error refusal(const std::string& message) {
    return Error{ErrorCode::invalid_argument, message};
}

Status check_same_writer(const ResultFile& before, const ResultFile& after) {
    if (before.writer == after.writer) return {};
    return refusal(after.file + ": found a result of " + after.writer + ", expected one of " +
                   before.writer + " like " + before.file);
}

Status check_same_conditions(const ResultFile& before, const ResultFile& after) {
    for (const Condition& expected : before.conditions) {
        const auto found = std::find_if(
            after.conditions.begin(), after.conditions.end(),
            [&](const Condition& condition) { return condition.field == expected.field; });
        // A model or an engine that only one file has is not compared, so it need not agree.
        if (found == after.conditions.end() || found->value == expected.value) continue;
        return refusal(after.file + ": field \"" + found->field + "\": found " + found->value +
                       ", expected " + expected.value + " as in " + before.file +
                       "; compare results of the same models, size, batch, threads and "
                       "instruction set");
    }
    return {};
}

const Measurement* find_partner(const Measurement& measurement, const ResultFile& other) {
    const auto partner = std::find_if(
        other.measurements.begin(), other.measurements.end(), [&](const Measurement& each) {
            return each.model == measurement.model && each.engine == measurement.engine;
        });
    return partner == other.measurements.end() ? nullptr : &*partner;
}

std::string names_of(const std::vector<const Measurement*>& measurements) {
    std::string names;
    for (const Measurement* each : measurements) {
        names += (names.empty() ? "" : ", ") + each->model + ' ' + each->engine;
    }
    return printable(names, 300);
}

// The names of what `file` measured and `other` did not.
std::string names_missing_in(const ResultFile& other, const ResultFile& file) {
    std::vector<const Measurement*> missing;
    for (const Measurement& each : file.measurements) {
        if (find_partner(each, other) == nullptr) missing.push_back(&each);
    }
    return names_of(missing);
}

void warn_of_unpaired(const ResultFile& file, const ResultFile& other, Diff& diff) {
    const std::string names = names_missing_in(other, file);
    if (!names.empty())
        diff.warnings.push_back("only in " + file.file + ", not compared: " + names);
}

void warn_of_few_rounds(const ResultFile& file, Diff& diff) {
    const auto fewest = std::min_element(file.measurements.begin(), file.measurements.end(),
                                         [](const Measurement& left, const Measurement& right) {
                                             return left.ms.size() < right.ms.size();
                                         });
    if (fewest->ms.size() >= kQuotableRounds) return;
    diff.warnings.push_back(file.file + ": " + std::to_string(fewest->ms.size()) +
                            " rounds, fewer than " + std::to_string(kQuotableRounds) +
                            ": not to be quoted; measure for longer (--seconds, --rounds)");
}

void warn_of_cpus(const ResultFile& before, const ResultFile& after, Diff& diff) {
    if (before.cpu == after.cpu) return;
    diff.warnings.push_back("the CPUs differ: " + in_quotes(before.cpu) + " in " + before.file +
                            ", " + in_quotes(after.cpu) + " in " + after.file);
}

}  // namespace

Result<Diff> compare(const ResultFile& before, const ResultFile& after, double threshold_percent) {
    if (const Status status = check_same_writer(before, after); !status) return status.error();
    if (const Status status = check_same_conditions(before, after); !status) return status.error();
    Diff diff;
    for (const Measurement& each : before.measurements) {
        const Measurement* partner = find_partner(each, after);
        if (partner == nullptr) continue;
        const Change change = estimate_change(each.normalised, partner->normalised);
        diff.rows.push_back({&each, partner, change, judge(change, threshold_percent)});
    }
    if (diff.rows.empty()) {
        return refusal(after.file + ": found " + names_missing_in(before, after) +
                       ", expected something in common with " + before.file + ", which has " +
                       names_missing_in(after, before));
    }
    warn_of_cpus(before, after, diff);
    warn_of_few_rounds(before, diff);
    warn_of_few_rounds(after, diff);
    warn_of_unpaired(before, after, diff);
    warn_of_unpaired(after, before, diff);
    return diff;
}

}  // namespace pf::cli
