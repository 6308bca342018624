// Tests of parse_json: the tree it builds, and what it refuses.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "engine/load/json.hpp"
#include "tests/support/error_checks.hpp"

namespace pf::test {
namespace {

constexpr JsonLimits kLimits{4096, 4, 64};

Result<JsonValue> parse(std::string_view text) {
    return parse_json(text, "x.json", kLimits);
}

}  // namespace

TEST_CASE("parse_json: every kind of value, members in the order of the file") {
    const auto tree =
        parse(R"( {"z": null, "a": [true, false, -3, 18446744073709551615, 1.5, "t\u00e9"]} )");
    REQUIRE(tree);
    const auto& members = std::get<JsonValue::Object>(tree->data);
    REQUIRE(members.size() == 2);
    CHECK(members[0].key == "z");
    CHECK(std::holds_alternative<std::monostate>(members[0].value.data));
    const auto& items = std::get<JsonValue::Array>(tree->find("a")->data);
    REQUIRE(items.size() == 6);
    CHECK(std::get<bool>(items[0].data));
    CHECK_FALSE(std::get<bool>(items[1].data));
    CHECK(std::get<JsonInteger>(items[2].data).magnitude == 3);
    CHECK(std::get<JsonInteger>(items[2].data).is_negative);
    CHECK(std::get<JsonInteger>(items[3].data).magnitude == 18446744073709551615u);
    CHECK(std::get<double>(items[4].data) == 1.5);
    CHECK(std::get<std::string>(items[5].data) == "t\xc3\xa9");
    CHECK(tree->find("absent") == nullptr);
    CHECK(items[0].find("a") == nullptr);
}

TEST_CASE("parse_json: integers are told from reals, and minus zero from zero") {
    CHECK(std::get<JsonInteger>(parse("0")->data).is_negative == false);
    CHECK(std::get<JsonInteger>(parse("-0")->data).is_negative == true);
    CHECK(std::get<JsonInteger>(parse("-9223372036854775808")->data).magnitude ==
          9223372036854775808u);
    CHECK(std::holds_alternative<double>(parse("1.0")->data));
    CHECK(std::holds_alternative<double>(parse("1e3")->data));
    CHECK(std::holds_alternative<double>(parse("18446744073709551616")->data));
}

TEST_CASE("describe: what an error message shows as found") {
    CHECK(parse("-3")->describe() == "-3");
    CHECK(parse("-0")->describe() == "-0");
    CHECK(parse("1.0")->describe() == "1.0");
    CHECK(parse("2.5e-7")->describe() == "2.5e-07");
    CHECK(parse("true")->describe() == "true");
    CHECK(parse("null")->describe() == "null");
    CHECK(parse("[1,2]")->describe() == "an array of 2");
    CHECK(parse("{}")->describe() == "an object");
    CHECK(parse(R"("a\n")")->describe() == R"("a\x0a")");
    CHECK(parse('"' + std::string(3000, 'x') + '"')->describe().size() < 100);
}

TEST_CASE("parse_json: limits hold to the last step") {
    CHECK(parse("[[[[]]]]"));
    check_error(parse("[[[[[]]]]]"), ErrorCode::invalid_model,
                {"x.json", "[0][0][0]", "found deeper nesting", "at most 4"});
    std::string ones = "[1";
    for (int i = 1; i < 63; ++i) ones += ",1";
    CHECK(parse(ones + "]"));
    check_error(parse(ones + ",1]"), ErrorCode::invalid_model, {"x.json", "64 values"});
    const std::string padded = "1" + std::string(4095, ' ');
    CHECK(parse(padded));
    check_error(parse(padded + " "), ErrorCode::invalid_model, {"4097 bytes", "4096"});
}

TEST_CASE("parse_json: a limit on nesting protects from a file of brackets") {
    const std::string deep(1 << 20, '[');
    check_error(parse_json(deep, "x.json", {1 << 24, 16, 1 << 24}), ErrorCode::invalid_model,
                {"x.json", "deeper nesting"});
}

TEST_CASE("parse_json: duplicate keys are named with their path") {
    check_error(parse(R"({"a":1,"b":2,"a":3})"), ErrorCode::invalid_model,
                {"field \"a\"", "found twice"});
    check_error(parse(R"({"a":[{"b":1,"\u0062":2}]})"), ErrorCode::invalid_model,
                {"field \"a[0].b\"", "found twice"});
}

TEST_CASE("parse_json: many keys cost no quadratic time") {
    std::string text = "{";
    for (int i = 0; i < 200000; ++i) text += "\"" + std::to_string(i) + "\":0,";
    const JsonLimits limits{std::size_t{16} << 20, 4, 1000000};
    CHECK(parse_json(text + "\"x\":0}", "x.json", limits));
    check_error(parse_json(text + "\"7\":0}", "x.json", limits), ErrorCode::invalid_model,
                {"\"7\"", "found twice"});
}

TEST_CASE("parse_json: text that is not JSON") {
    const char* const broken[] = {
        "",        " ",       "{",           "[1,]",    "{\"a\":1,}", "{'a':1}",  "nul", "01",
        "+1",      ".5",      "1.",          "1e",      "NaN",        "Infinity", "-",   "\"a",
        "\"\\x\"", "{\"a\"}", "[1 2]",       "// c\n1", "1 2",        "{}{}",     "[]x", "\"a\tb\"",
        "1e999",   "-1e999",  "\"\\ud800\"", "{1:2}",   "[1}",        "/**/1"};
    for (const char* text : broken) {
        CAPTURE(text);
        check_error(parse(text), ErrorCode::invalid_model, {"x.json: found invalid JSON"});
    }
}

TEST_CASE("parse_json: invalid UTF-8") {
    const char* const broken[] = {"\"\xff\"",     "\"\xc0\xaf\"",         "\"\xed\xa0\x80\"",
                                  "\"\xe2\x82\"", "\"\xf5\x80\x80\x80\"", "{\"\x80\":1}"};
    for (const char* text : broken) {
        CAPTURE(text);
        const auto result = parse(text);
        check_error(result, ErrorCode::invalid_model, {"x.json", "UTF-8"});
        const bool is_printable =
            result.error().message.find_first_of("\xff\xc0\xed\xe2\xf5\x80") == std::string::npos;
        CHECK(is_printable);
    }
}

TEST_CASE("parse_json: what the parser underneath would let pass") {
    check_error(parse("\xef\xbb\xbf{}"), ErrorCode::invalid_model, {"byte order mark"});
    check_error(parse(std::string_view("{}\0garbage", 10)), ErrorCode::invalid_model,
                {"zero byte at byte 2"});
}

}  // namespace pf::test
