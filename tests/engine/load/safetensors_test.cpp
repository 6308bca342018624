// Tests of the safetensors header reader: what it accepts.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/safetensors.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/safetensors_bytes.hpp"

namespace pf::test {
namespace {

Result<std::vector<SafetensorsEntry>> parse(const std::string& header, std::size_t data_bytes) {
    return parse_safetensors_header(header, kSafetensorsPrefixBytes + header.size() + data_bytes,
                                    "m.safetensors");
}

}  // namespace

TEST_CASE("safetensors: the length is little-endian and checked against the file") {
    const auto file = safetensors_file("{}", std::vector<std::byte>(70000), 65538);
    const auto size = read_header_size(file, file.size(), "m.safetensors");
    REQUIRE(size);
    CHECK(*size == 65538);
    CHECK(read_header_size(safetensors_file("{}", {}), 10, "m.safetensors"));
}

TEST_CASE("safetensors: entries in any order, offsets counted from the start of the file") {
    const std::string header = R"({"b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},)"
                               R"("a":{"shape":[1,2],"data_offsets":[0,8],"dtype":"F32"},)"
                               R"("c":{"dtype":"BF16","shape":[],"data_offsets":[14,16]}})";
    const auto entries = parse(header, 16);
    REQUIRE(entries);
    REQUIRE(entries->size() == 3);
    const std::size_t data = 8 + header.size();
    CHECK((*entries)[0].name == "b");
    CHECK((*entries)[0].dtype == Dtype::f16);
    CHECK((*entries)[0].begin == data + 8);
    CHECK((*entries)[0].end == data + 14);
    CHECK((*entries)[1].dtype == Dtype::f32);
    CHECK((*entries)[1].shape == std::vector<std::size_t>{1, 2});
    CHECK((*entries)[1].begin == data);
    CHECK((*entries)[2].dtype == Dtype::bf16);
    CHECK((*entries)[2].shape.empty());
}

TEST_CASE("safetensors: whitespace around the header, and metadata") {
    const std::string entry = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
    CHECK(parse(" \t\r\n{" + entry + "}   ", 4));
    const auto entries = parse(R"({"__metadata__":{"format":"pt","x":""},)" + entry + "}", 4);
    REQUIRE(entries);
    CHECK(entries->size() == 1);
    CHECK(parse(R"({"__metadata__":{}})", 0));
    CHECK(parse("{}", 0));
}

TEST_CASE("safetensors: tensors without elements may share an offset") {
    CHECK(parse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                R"("e":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},)"
                R"("f":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                R"("g":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})",
                4));
}

TEST_CASE("safetensors: the limits themselves are accepted") {
    CHECK(parse(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4));
    CHECK(parse(
        "{\"" + std::string(512, 'n') + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
        4));
    SafetensorsBytes file;
    const std::vector<std::byte> two(2);
    for (int i = 0; i < 65536; ++i) file.add(std::to_string(i), "F16", {1, 1, 1, 1}, two);
    const auto entries = parse(file.header(), file.data().size());
    REQUIRE(entries);
    CHECK(entries->size() == 65536);
}

}  // namespace pf::test
