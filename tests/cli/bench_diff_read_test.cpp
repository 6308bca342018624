// What `poolformer bench-diff` reads: results of both writers, and files that are anything else.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/error_checks.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tools/cli/bench_diff.hpp"

namespace {

using nlohmann::json;

json make_bench() {
    json rounds = json::array();
    for (int i = 1; i <= 6; ++i) {
        rounds.push_back({{"median_ms", i}, {"peak_gflops", 50.5}, {"percent_of_peak", 90}});
    }
    return {{"model", "tiny"},
            {"input_height", 32},
            {"input_width", 48},
            {"batch", 1},
            {"macs_per_image", 1000},
            {"environment", {{"cpu", "a CPU"}, {"isa", "avx2"}, {"threads", 1}}},
            {"rounds", rounds}};
}

json make_suite() {
    json rounds = json::array();
    for (int i = 1; i <= 6; ++i) {
        rounds.push_back({{"peak_before", 40},
                          {"peak_after", 60.0},
                          {"seconds", {{"poolformer", 0.03}, {"onnxruntime", 0.04}}}});
    }
    const json engines = {{"poolformer", {{"title", "poolformer.cpp (avx2)"}}},
                          {"onnxruntime", {{"title", "ONNX Runtime"}}}};
    return {{"machine", {{"cpu", "a CPU"}}},
            {"rounds", 6},
            {"threads", 1},
            {"batch", 1},
            {"models", {{"s12", {{"operations", 5}, {"engines", engines}, {"rounds", rounds}}}}}};
}

void check_refused(const std::string& text, const std::string& part) {
    pf::test::check_error(pf::cli::parse_result(text, "some/file"), pf::ErrorCode::invalid_model,
                          {"some/file: ", part});
}

// `value` in the place of `field`, a JSON pointer, must be refused with `part`.
void check_field(json result, const char* field, const json& value, const std::string& part) {
    CAPTURE(field);
    result[json::json_pointer(field)] = value;
    check_refused(result.dump(), part);
}

void check_missing(json result, const std::string& parent, const std::string& key) {
    CAPTURE(key);
    result[json::json_pointer(parent)].erase(key);
    check_refused(result.dump(), key + "\": missing, expected ");
}

}  // namespace

TEST_CASE("bench-diff reads poolformer bench's rounds, and multiplies each by its own peak") {
    const auto result = pf::cli::parse_result(make_bench().dump(), "file");
    REQUIRE(result);
    CHECK(result->writer == "poolformer bench --json");
    CHECK(result->cpu == "a CPU");
    CHECK(result->conditions.size() == 7);
    REQUIRE(result->measurements.size() == 1);
    CHECK(result->measurements[0].model == "tiny");
    CHECK(result->measurements[0].engine == "poolformer");
    CHECK(result->measurements[0].ms == std::vector<double>{1, 2, 3, 4, 5, 6});
    CHECK(result->measurements[0].normalised[1] == 101);
}

TEST_CASE("bench-diff reads the suite's rounds, one measurement for each model and engine") {
    const auto result = pf::cli::parse_result(make_suite().dump(), "file");
    REQUIRE(result);
    CHECK(result->writer == "bench/suite/run.sh --output");
    REQUIRE(result->measurements.size() == 2);
    CHECK(result->measurements[0].engine == "onnxruntime");
    CHECK(result->measurements[1].model == "s12");
    CHECK(result->measurements[1].ms[5] == 30);
    CHECK(result->measurements[1].normalised[5] == 1800);
}

TEST_CASE("bench-diff: a clock at half the speed is no change, whoever measured") {
    for (const json& whole : {make_bench(), make_suite()}) {
        json half = whole;
        const bool is_suite = half.contains("models");
        for (json& round : is_suite ? half["models"]["s12"]["rounds"] : half["rounds"]) {
            for (const char* peak : {"peak_gflops", "peak_before", "peak_after"}) {
                if (round.contains(peak)) round[peak] = round[peak].get<double>() / 2;
            }
            if (!is_suite) round["median_ms"] = round["median_ms"].get<double>() * 2;
            for (json& seconds : round["seconds"]) seconds = seconds.get<double>() * 2;
        }
        const auto before = pf::cli::parse_result(whole.dump(), "before");
        const auto after = pf::cli::parse_result(half.dump(), "after");
        REQUIRE(before);
        REQUIRE(after);
        CHECK(after->measurements[0].ms[2] == 2 * before->measurements[0].ms[2]);
        CHECK(after->measurements[0].normalised == before->measurements[0].normalised);
        const auto diff = pf::cli::compare(*before, *after, 0);
        REQUIRE(diff);
        CHECK(diff->rows[0].verdict == pf::cli::Verdict::no_change_shown);
    }
}

TEST_CASE("bench-diff refuses another model, size, batch, threads and instruction set") {
    const auto check = [](const json& before, const char* field, const json& value,
                          const std::string& part) {
        json other = before;
        other[json::json_pointer(field)] = value;
        const auto left = pf::cli::parse_result(before.dump(), "left");
        const auto right = pf::cli::parse_result(other.dump(), "right");
        REQUIRE(left);
        REQUIRE(right);
        pf::test::check_error(pf::cli::compare(*left, *right, 3), pf::ErrorCode::invalid_argument,
                              {"right: field ", part + " as in left"});
    };
    check(make_bench(), "/model", "other", R"("model": found "other", expected "tiny")");
    check(make_bench(), "/input_height", 64, "\"input_height\": found 64, expected 32");
    check(make_bench(), "/input_width", 64, "\"input_width\": found 64, expected 48");
    check(make_bench(), "/batch", 2, "\"batch\": found 2, expected 1");
    check(make_bench(), "/macs_per_image", 2, "\"macs_per_image\": found 2, expected 1000");
    check(make_bench(), "/environment/threads", 2, "found 2, expected 1");
    check(make_bench(), "/environment/isa", "avx512", R"(found "avx512", expected "avx2")");
    check(make_suite(), "/batch", 2, "\"batch\": found 2, expected 1");
    check(make_suite(), "/threads", 2, "\"threads\": found 2, expected 1");
    check(make_suite(), "/models/s12/operations", 6, "found 6, expected 5");
    check(make_suite(), "/models/s12/engines/poolformer/title", "poolformer.cpp (avx512)",
          R"_(found "(avx512)", expected "(avx2)")_");
}

TEST_CASE("bench-diff refuses fields that are missing or wrong, by name") {
    const json bench = make_bench(), suite = make_suite();
    for (const char* key : {"input_height", "input_width", "batch", "macs_per_image", "rounds"}) {
        check_missing(bench, "", key);
    }
    for (const char* key : {"cpu", "isa", "threads"}) check_missing(bench, "/environment", key);
    for (const char* key : {"median_ms", "peak_gflops"}) check_missing(bench, "/rounds/5", key);
    for (const char* key : {"machine", "threads", "batch"}) check_missing(suite, "", key);
    for (const char* key : {"operations", "engines", "rounds"}) {
        check_missing(suite, "/models/s12", key);
    }
    check_missing(suite, "/models/s12/engines/poolformer", "title");
    check_missing(suite, "/models/s12/rounds/4/seconds", "onnxruntime");
    check_field(bench, "/model", 5, R"(field "model": found 5, expected a string)");
    check_field(bench, "/batch", 1.5, R"(field "batch": found 1.5, expected an integer)");
    check_field(bench, "/rounds", "many", R"(field "rounds": found "many", expected an array)");
    for (const json& value : {json(0), json(-1), json(1e300), json(1e-300), json(nullptr),
                              json("1"), json::array(), json(true)}) {
        check_field(bench, "/rounds/2/median_ms", value, "field \"rounds[2].median_ms\": found ");
        check_field(suite, "/models/s12/rounds/2/seconds/poolformer", value,
                    "field \"models.s12.rounds[2].seconds.poolformer\": found ");
    }
    check_field(suite, "/models", 1, "field \"models\": found 1, expected an object of 1 to 64");
    check_field(suite, "/models", json::object(), "expected an object of 1 to 64 names");
    check_field(suite, "/models/\x1B[31m", 1, R"(found the name "\x1b[31m", expected)");
    check_field(suite, "/models/s12/engines/poolformer/title", "x", "instruction set in brackets");
}

TEST_CASE("bench-diff refuses fewer than five rounds") {
    json bench = make_bench(), suite = make_suite();
    bench["rounds"].erase(4);
    CHECK(pf::cli::parse_result(bench.dump(), "some/file"));
    bench["rounds"].erase(4);
    check_refused(bench.dump(), "found an array of 4, expected at least 5 rounds");
    suite["models"]["s12"]["rounds"] = json::array();
    check_refused(suite.dump(), "found an array of 0, expected at least 5 rounds");
}

TEST_CASE("bench-diff refuses what is no result, and hostile JSON") {
    for (const char* text : {"", "hello", "{", "\xFF\xFE", "{\"model\": NaN}"}) {
        check_refused(text, "invalid JSON");
    }
    for (const char* text : {"{}", "[]", "5", "null", "{\"name\": 1}"}) {
        check_refused(text, "expected an object with \"model\", of poolformer bench --json, or");
    }
    check_refused(std::string(1'000'000, '['), "found deeper nesting");
    check_refused("{\"model\": 1e999}", "invalid JSON");
    check_refused("{\"model\": 1, \"model\": 1}", "found twice");
    std::string many = "[0";
    for (int i = 0; i < 1'000'000; ++i) many += ",0";
    check_refused(many + "]", "more than 1000000 values");
    const std::string whole = make_suite().dump();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_FALSE(pf::cli::parse_result(whole.substr(0, size), "some/file"));
    }
}

TEST_CASE("bench-diff names files that cannot be read") {
    const pf::test::TemporaryFolder folder;
    for (const std::string& file : {folder.path("missing"), folder.path()}) {
        pf::test::check_error(pf::cli::read_result_file(file), pf::ErrorCode::file_error, {file});
    }
    const std::string file = folder.write("bench.json", make_bench().dump());
    CHECK(pf::cli::read_result_file(file));
}
