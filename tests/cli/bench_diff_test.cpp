// `poolformer bench-diff`: the statistic, its verdicts, and which results are held together.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/error_checks.hpp"
#include "tools/cli/bench_diff.hpp"

namespace {

using pf::cli::Measurement;
using pf::cli::Verdict;

// `count` times around `middle`, spread evenly over +-`spread`, in an order without a pattern.
std::vector<double> make_times(double middle, double spread, std::size_t count,
                               std::uint64_t seed) {
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) {
        const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
        times.push_back(middle * (1 + spread * (2 * place - 1)));
    }
    std::shuffle(times.begin(), times.end(), std::mt19937_64(seed));
    return times;
}

Verdict judge_times(const std::vector<double>& before, const std::vector<double>& after,
                    double threshold_percent = 3) {
    return pf::cli::judge(pf::cli::estimate_change(before, after), threshold_percent);
}

Measurement make_measurement(const std::string& model, const std::string& engine, double middle,
                             std::size_t rounds = 60) {
    const std::vector<double> times = make_times(middle, 0.01, rounds, 1);
    return {model, engine, times, times};
}

pf::cli::ResultFile make_file(const std::string& file, std::vector<Measurement> measurements) {
    return {file, "the writer", "the CPU", {{"batch", "1"}}, std::move(measurements)};
}

}  // namespace

TEST_CASE("bench-diff: equal rounds are no change, and the ratio is one") {
    const auto times = make_times(10, 0.05, 60, 1);
    const auto change = pf::cli::estimate_change(times, times);
    CHECK(change.ratio == 1);
    CHECK(change.low < 1);
    CHECK(change.high > 1);
    CHECK(pf::cli::judge(change, 0) == Verdict::no_change_shown);
    CHECK(judge_times({7}, {7}, 0) == Verdict::no_change_shown);
}

TEST_CASE("bench-diff: a change larger than the noise is shown, in the right direction") {
    const auto before = make_times(10, 0.02, 60, 1), after = make_times(11, 0.02, 60, 2);
    const auto change = pf::cli::estimate_change(before, after);
    CHECK(change.ratio == doctest::Approx(1.1).epsilon(0.005));
    CHECK(change.low < change.ratio);
    CHECK(change.high > change.ratio);
    CHECK(change.low > 1.08);
    CHECK(change.high < 1.12);
    CHECK(judge_times(before, after) == Verdict::slower);
    CHECK(judge_times(after, before) == Verdict::faster);
}

TEST_CASE("bench-diff: a change within the noise or below the threshold is not shown") {
    CHECK(judge_times(make_times(10, 0.5, 20, 1), make_times(10.5, 0.5, 20, 2)) ==
          Verdict::no_change_shown);
    const auto before = make_times(10, 0.001, 60, 1), after = make_times(10.2, 0.001, 60, 2);
    CHECK(judge_times(before, after, 3) == Verdict::no_change_shown);
    CHECK(judge_times(after, before, 3) == Verdict::no_change_shown);
    CHECK(judge_times(before, after, 1) == Verdict::slower);
    CHECK(pf::cli::judge({1.5, 1, 2}, 3) == Verdict::no_change_shown);
    CHECK(pf::cli::judge({0.5, 0.2, 1}, 3) == Verdict::no_change_shown);
}

TEST_CASE("bench-diff: one outlier in twenty rounds moves nothing") {
    auto after = make_times(10, 0.01, 60, 2);
    for (std::size_t i = 0; i < after.size(); i += 20) after[i] = 1000;
    CHECK(judge_times(make_times(10, 0.01, 60, 1), after) == Verdict::no_change_shown);
}

TEST_CASE("bench-diff: the interval of few rounds is honest about them") {
    const auto change =
        pf::cli::estimate_change({100, 101, 102, 103, 104}, {90, 110, 120, 130, 150});
    CHECK(change.low < 0.9);
    CHECK(change.high > 1.4);
}

TEST_CASE("bench-diff: rounds that drift together give a wider interval than the same shuffled") {
    const std::vector<double> steady(200, 10.0);
    auto drifting = make_times(10, 0.05, 200, 1);
    const auto width = [&](const std::vector<double>& after) {
        const auto change = pf::cli::estimate_change(steady, after);
        return change.high - change.low;
    };
    const double shuffled_width = width(drifting);
    std::sort(drifting.begin(), drifting.end());
    CHECK(width(drifting) > 2 * shuffled_width);
}

TEST_CASE("bench-diff: the same rounds give the same interval, on every machine") {
    const auto change =
        pf::cli::estimate_change({8, 8, 8, 8, 8, 8}, {16, 8, 24, 12, 20, 40, 28, 32, 36, 44});
    CHECK(change.ratio == 3);
    CHECK(change.low == 1.5);
    CHECK(change.high == 4);
}

TEST_CASE("bench-diff compares what both have, and warns of the rest") {
    const auto before = make_file(
        "a", {make_measurement("s12", "x", 10, 12), make_measurement("s12", "y", 10, 12)});
    auto after =
        make_file("b", {make_measurement("s24", "x", 10), make_measurement("s12", "x", 12)});
    after.cpu = "another CPU";
    const auto diff = pf::cli::compare(before, after, 3);
    REQUIRE(diff);
    REQUIRE(diff->rows.size() == 1);
    CHECK(diff->rows[0].before == &before.measurements[0]);
    CHECK(diff->rows[0].after == &after.measurements[1]);
    CHECK(diff->rows[0].verdict == Verdict::slower);
    CHECK(diff->warnings ==
          std::vector<std::string>{
              "the CPUs differ: \"the CPU\" in a, \"another CPU\" in b",
              "a: 12 rounds, fewer than 50: not to be quoted; measure for longer (--seconds, "
              "--rounds)",
              "only in a, not compared: s12 y", "only in b, not compared: s24 x"});
}

TEST_CASE("bench-diff refuses results of different kinds, conditions or models") {
    const auto before = make_file("a", {make_measurement("s12", "x", 10)});
    auto after = before;
    after.file = "b";
    after.conditions[0].value = "8";
    pf::test::check_error(pf::cli::compare(before, after, 3), pf::ErrorCode::invalid_argument,
                          {"b: field \"batch\": found 8, expected 1 as in a"});
    after = make_file("b", {make_measurement("s24", "x", 10)});
    pf::test::check_error(pf::cli::compare(before, after, 3), pf::ErrorCode::invalid_argument,
                          {"b: found s24 x, expected", "in common with a, which has s12 x"});
    after.writer = "another";
    pf::test::check_error(pf::cli::compare(before, after, 3), pf::ErrorCode::invalid_argument,
                          {"b: found a result of another, expected one of the writer like a"});
}

TEST_CASE("bench-diff writes an aligned table, and the same as JSON") {
    const auto before = make_file("a", {make_measurement("m\xC3\xA4rz", "x", 10),
                                        make_measurement("s12", "long_name", 1000)});
    const auto after = make_file(
        "b", {make_measurement("m\xC3\xA4rz", "x", 8), make_measurement("s12", "long_name", 1000)});
    const auto diff = pf::cli::compare(before, after, 3);
    REQUIRE(diff);
    const std::string text = pf::cli::to_text(*diff);
    CHECK(text.find("model  engine     before ms  after ms  change %") == 0);
    CHECK(text.find("\nm\xC3\xA4rz   x              9.998     7.999     -20.0 ") !=
          std::string::npos);
    CHECK(text.find("\ns12    long_name    999.833   999.833      +0.0 ") != std::string::npos);
    CHECK(text.find("  faster\n") != std::string::npos);
    const auto json = nlohmann::json::parse(pf::cli::to_json(*diff, before, after, 3));
    CHECK(json["rows"].size() == 2);
    CHECK(json["rows"][0]["change_percent"].get<double>() == doctest::Approx(-20));
    CHECK(json["rows"][0]["interval_percent"][1].get<double>() < -19);
    CHECK(json["rows"][0]["verdict"] == "faster");
    CHECK(json["rows"][1]["verdict"] == "no change shown");
    CHECK(json["after"]["file"] == "b");
}
