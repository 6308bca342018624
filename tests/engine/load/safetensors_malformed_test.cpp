// Malformed safetensors headers: each names the file and the tensor or field.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/load/weights.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/safetensors_bytes.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

const std::string kFile = "models/x/model.safetensors";

Result<Weights> load(std::vector<std::byte> bytes) {
    return Weights::from_bytes(std::move(bytes), kFile, tiny_description());
}

Result<Weights> load(const std::string& header, std::size_t data_bytes) {
    return load(safetensors_file(header, std::vector<std::byte>(data_bytes)));
}

struct Damage {
    const char* name;
    const char* header;
    std::size_t data_bytes;
    const char* place;  // what the message must name
    const char* message;
};

const Damage kDamages[] = {
    // The header as JSON.
    {"empty header", "", 4, "header", "invalid JSON"},
    {"an array", "[]", 0, "header", "found an array of 0, expected an object"},
    {"a number", "7", 0, "header", "found 7, expected an object"},
    {"garbage behind the object", R"({} x)", 0, "header", "invalid JSON"},
    {"two objects", R"({}{})", 0, "header", "invalid JSON"},
    {"comment", R"(/**/{})", 0, "header", "invalid JSON"},
    {"invalid UTF-8 in a name", "{\"\xff\":1}", 0, "header", "UTF-8"},
    {"byte order mark", "\xef\xbb\xbf{}", 0, "header", "byte order mark"},
    {"unclosed", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 4, "header", "JSON"},
    {"nested shape", R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4, "a.shape[0]",
     "deeper nesting"},
    // Duplicates.
    {"tensor twice",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
     R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     8, "\"a\"", "found twice"},
    {"tensor twice, once escaped",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
     R"("\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     8, "\"a\"", "found twice"},
    {"dtype twice", R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
     "a.dtype", "found twice"},
    {"metadata key twice", R"({"__metadata__":{"k":"1","k":"2"}})", 0, "__metadata__.k",
     "found twice"},
    {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "__metadata__",
     "found twice"},
    // Metadata.
    {"metadata text", R"({"__metadata__":"x"})", 0, "__metadata__", "an object of at most 1024"},
    {"metadata number", R"({"__metadata__":{"version":1}})", 0, "__metadata__.version",
     "found 1, expected a string"},
    {"metadata object", R"({"__metadata__":{"a":{}}})", 0, "__metadata__.a", "found an object"},
    // Entries.
    {"entry null", R"({"a":null})", 0, "tensor \"a\"", "found null, expected an object"},
    {"entry without dtype", R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4,
     "tensor \"a\": field \"dtype\"", "missing, expected one of \"F32\""},
    {"entry without shape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4,
     "tensor \"a\": field \"shape\"", "missing"},
    {"entry without offsets", R"({"a":{"dtype":"F32","shape":[1]}})", 4,
     "tensor \"a\": field \"data_offsets\"", "missing"},
    {"entry with another key",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"file":"../x"}})", 4,
     "tensor \"a\": field \"file\"", "unknown field"},
    {"dtype F64", R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8, "field \"dtype\"",
     "found \"F64\", expected one of \"F32\", \"F16\", \"BF16\""},
    {"dtype F8", R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1,
     "field \"dtype\"", "F8_E4M3"},
    {"dtype a number", R"({"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}})", 4,
     "field \"dtype\"", "found 32"},
    {"dtype lower case", R"({"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}})", 4,
     "field \"dtype\"", "found \"f32\""},
    // Numbers.
    {"negative extent", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
     "field \"shape[0]\"", "found -1"},
    {"minus zero", R"({"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}})", 0,
     "field \"shape[0]\"", "found -0"},
    {"real extent", R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
     "field \"shape[0]\"", "found 1.0"},
    {"extent with exponent", R"({"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}})", 4,
     "field \"shape[0]\"", "found 1.0"},
    {"extent above 2^63",
     R"({"a":{"dtype":"F32","shape":[9223372036854775808],)"
     R"("data_offsets":[0,4]}})",
     4, "field \"shape[0]\"", "found 9223372036854775808"},
    {"extent above 2^64",
     R"({"a":{"dtype":"F32","shape":[18446744073709551617],)"
     R"("data_offsets":[0,4]}})",
     4, "field \"shape[0]\"", "expected an integer"},
    {"shape of text", R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", 4,
     "field \"shape[0]\"", "found \"1\""},
    {"shape a number", R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4,
     "field \"shape\"", "found 1, expected an array"},
    {"rank 9", R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4,
     "field \"shape\"", "an array of 0 to 8"},
    {"one offset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}})", 4,
     "field \"data_offsets\"", "an array of 2"},
    {"three offsets", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", 4,
     "field \"data_offsets\"", "an array of 2"},
    {"negative offset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4,
     "field \"data_offsets[0]\"", "found -4"},
    {"offsets backwards", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
     "field \"data_offsets[1]\"", "found 0, expected an integer from 4"},
    // Sizes.
    {"size overflows to a small one",
     R"({"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})", 16,
     "tensor \"a\": shape [4611686018427387905, 4]", "overflow"},
    {"size overflows to zero",
     R"({"a":{"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
     "tensor \"a\": shape", "overflow"},
    {"bytes overflow",
     R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
     "tensor \"a\": shape", "overflow"},
    {"shape larger than its data", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
     "tensor \"a\": data_offsets", "found 4 bytes, expected 8"},
    {"shape smaller than its data", R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}})", 4,
     "tensor \"a\": data_offsets", "found 4 bytes, expected 2"},
    {"huge shape, tiny file",
     R"({"a":{"dtype":"F32","shape":[1000000000,1000],"data_offsets":[0,4000000000000]}})", 4,
     "tensor \"a\": data_offsets", "is the file complete?"},
    {"zero extent with data", R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,4]}})", 4,
     "tensor \"a\": data_offsets", "found 4 bytes, expected 0"},
    // Tiling.
    {"end beyond the file", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
     "tensor \"a\": data_offsets", "byte 8 of the data, expected at most 7"},
    {"offsets near 2^63",
     R"({"a":{"dtype":"F32","shape":[1],)"
     R"("data_offsets":[9223372036854775803,9223372036854775807]}})",
     4, "tensor \"a\": data_offsets", "9223372036854775807"},
    {"hole at the start", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
     "tensor \"a\": data_offsets", "a hole: it begins at 4"},
    {"hole between",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
     R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
     12, "tensor \"b\": data_offsets", "a hole"},
    {"bytes behind the last tensor", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 9,
     "data_offsets", "found 5 bytes behind the last tensor"},
    {"data without tensors", "{}", 4, "data_offsets", "found 4 bytes behind"},
    {"overlap",
     R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
     R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
     12, "tensor \"b\": data_offsets", "an overlap"},
    {"two tensors on the same bytes",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
     R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
     4, "data_offsets", "an overlap"},
    {"an empty tensor inside another",
     R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
     R"("b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})",
     8, "tensor \"b\": data_offsets", "an overlap"},
};

}  // namespace

TEST_CASE("safetensors: one rule broken at a time") {
    for (const Damage& damage : kDamages) {
        CAPTURE(damage.name);
        check_error(load(damage.header, damage.data_bytes), ErrorCode::invalid_model,
                    {kFile, damage.place, damage.message});
    }
}

TEST_CASE("safetensors: lengths that lie") {
    const std::vector<std::byte> data(4);
    for (const std::uint64_t length :
         {std::uint64_t{7}, std::uint64_t{100}, std::uint64_t{16} << 20}) {
        check_error(load(safetensors_file("{}", data, length)), ErrorCode::invalid_model,
                    {kFile, "header: found a length of " + std::to_string(length), "complete?"});
    }
    const std::uint64_t big_endian_two = std::uint64_t{2} << 56;
    for (const std::uint64_t length :
         {(std::uint64_t{16} << 20) + 1, big_endian_two, ~std::uint64_t{0}, ~std::uint64_t{7}}) {
        check_error(load(safetensors_file("{}", data, length)), ErrorCode::invalid_model,
                    {kFile, "header: found a length of " + std::to_string(length), "16777216"});
    }
}

TEST_CASE("safetensors: a zero byte does not hide what follows the header's object") {
    check_error(load(std::string("{}\0PK", 5), 0), ErrorCode::invalid_model,
                {kFile, "header: found a zero byte"});
}

TEST_CASE("safetensors: names and counts beyond the limits") {
    const std::string entry = R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    check_error(load("{\"" + std::string(513, 'n') + entry, 4), ErrorCode::invalid_model,
                {kFile, "nnn...", "found a name of 513 bytes"});

    std::string metadata = R"({"__metadata__":{"0":"")";
    for (int i = 1; i < 1025; ++i) metadata += ",\"" + std::to_string(i) + "\":\"\"";
    check_error(load(metadata + "}}", 0), ErrorCode::invalid_model, {kFile, "__metadata__"});
    check_error(load(R"({"__metadata__":{"k":")" + std::string((1 << 20) + 1, 'v') + "\"}}", 0),
                ErrorCode::invalid_model, {kFile, "__metadata__.k", "1048576"});

    std::string tensors = "{";
    for (int i = 0; i < 65537; ++i) {
        tensors += (i ? ",\"" : "\"") + std::to_string(i) +
                   R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    }
    check_error(load(tensors + "}", 0), ErrorCode::invalid_model,
                {kFile, "header", "more than 65536 tensors"});
}

TEST_CASE("safetensors: a small file cannot ask for a large tree") {
    std::string header = R"({"a":[0)";
    for (int i = 0; i < 1000000; ++i) header += ",0";
    check_error(load(header + "]}", 0), ErrorCode::invalid_model,
                {kFile, "header", "1000000 values"});
    check_error(load(std::string(1 << 22, '['), 0), ErrorCode::invalid_model,
                {kFile, "header", "deeper nesting"});
}

TEST_CASE("safetensors: what an error shows of a hostile name is short and printable") {
    const std::string name = "\\u001b[2J" + std::string(400, 'x');
    const auto result = load("{\"" + name + R"(":{"dtype":"F32"}})", 0);
    check_error(result, ErrorCode::invalid_model, {kFile, R"(\x1b[2J)"});
    CHECK(result.error().message.find('\x1b') == std::string::npos);
}

}  // namespace pf::test
