// Malformed model.json files: each names the file, the field, what was found and expected.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/load/description.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

using Json = nlohmann::ordered_json;

const std::string kFile = "models/x/model.json";

// The tiny model's description with one place changed.
struct Damage {
    const char* name;
    const char* pointer;  // JSON pointer of the place
    const char* value;    // JSON text put there; nullptr removes the place
    const char* field;    // what the message must name
    const char* message;  // and say
};

const Damage kDamages[] = {
    {"version of the future", "/schema_version", "2", "schema_version", "found 2, expected 1"},
    {"version as text", "/schema_version", "\"1\"", "schema_version", "found \"1\", expected 1"},
    {"version missing", "/schema_version", nullptr, "schema_version", "missing, expected 1"},
    {"name missing", "/name", nullptr, "name", "missing, expected a string"},
    {"name empty", "/name", "\"\"", "name", "1 to 128"},
    {"name with an escape sequence", "/name", R"("a\u001b[31m")", "name", "control characters"},
    {"name with a delete character", "/name", R"("a\u007fb")", "name", "control characters"},
    {"name with a C1 control", "/name", R"("a\u009b31m")", "name", "control characters"},
    {"dialect unknown", "/source/dialect", "\"keras\"", "source.dialect", "one of \"timm\""},
    {"origin not text", "/source/origin", "[]", "source.origin", "found an array of 0"},
    {"source is no object", "/source", "3", "source", "found 3, expected an object"},
    {"height zero", "/input/height", "0", "input.height", "found 0, expected an integer from 1"},
    {"height huge", "/input/height", "4097", "input.height", "found 4097"},
    {"height beyond 64 bits", "/input/height", "99999999999999999999", "input.height",
     "found 1e+20"},
    {"width real", "/input/width", "32.0", "input.width", "found 32.0, expected an integer"},
    {"width with exponent", "/input/width", "3e1", "input.width", "expected an integer"},
    {"resize smaller than the crop", "/input/resize/shorter_side", "31",
     "input.resize.shorter_side", "an integer from 32 to 8192"},
    {"resize huge", "/input/resize/shorter_side", "8193", "input.resize.shorter_side", "8192"},
    {"interpolation unknown", "/input/resize/interpolation", "\"bilinear\"",
     "input.resize.interpolation", "expected \"bicubic\""},
    {"crop rounding unknown", "/input/crop_rounding", "\"up\"", "input.crop_rounding", "half_even"},
    {"two means", "/input/mean", "[0.5, 0.5]", "input.mean", "an array of 3 values"},
    {"four means", "/input/mean", "[0, 0, 0, 0]", "input.mean", "found an array of 4"},
    {"mean of 0 to 255", "/input/mean/1", "116.28", "input.mean[1]", "a number from 0 to 1"},
    {"mean as text", "/input/mean/2", "\"0.4\"", "input.mean[2]", "found \"0.4\""},
    {"std zero", "/input/std/0", "0", "input.std[0]", "found 0, expected a number from 1e-30 to 1"},
    {"std minus zero", "/input/std/0", "-0.0", "input.std[0]", "a number from 1e-30 to 1"},
    {"std negative", "/input/std/2", "-0.5", "input.std[2]", "found -0.5"},
    {"std vanishing", "/input/std/1", "1e-999", "input.std[1]", "a number from 1e-30 to 1"},
    {"no stages", "/stages", "[]", "stages", "an array of 1 to 16 values"},
    {"stages an object", "/stages", "{}", "stages", "found an object"},
    {"stage null", "/stages/1", "null", "stages[1]", "found null, expected an object"},
    {"depth negative", "/stages/1/depth", "-3", "stages[1].depth",
     "found -3, expected an integer from 1 to 256"},
    {"depth huge", "/stages/0/depth", "18446744073709551615", "stages[0].depth",
     "found 18446744073709551615"},
    {"channels zero", "/stages/0/channels", "0", "stages[0].channels", "from 1 to 16384"},
    {"channels wrap 32 bits", "/stages/0/channels", "4294967304", "stages[0].channels", "16384"},
    {"mixer unknown", "/stages/0/token_mixer/kind", "\"fft\"", "stages[0].token_mixer.kind",
     "found \"fft\", expected one of \"pool\""},
    {"pool even", "/stages/0/token_mixer/size", "4", "stages[0].token_mixer.size", "odd"},
    {"pool zero", "/stages/0/token_mixer/size", "0", "stages[0].token_mixer.size", "from 1 to 63"},
    {"pool without size", "/stages/0/token_mixer/size", nullptr, "stages[0].token_mixer.size",
     "missing"},
    {"identity with size", "/stages/0/token_mixer/kind", "\"identity\"",
     "stages[0].token_mixer.size", "unknown field, expected only kind"},
    {"attention without width", "/stages/0/token_mixer", R"({"kind": "attention"})",
     "stages[0].token_mixer.head_width", "missing"},
    {"norm unknown", "/stages/0/norm/kind", "\"rms\"", "stages[0].norm.kind", "layer_norm"},
    {"norm none with eps", "/stages/0/norm", R"({"kind": "none", "eps": 1e-5})",
     "stages[0].norm.eps", "unknown field"},
    {"std whose reciprocal is infinite", "/input/std/1", "1e-46", "input.std[1]",
     "a number from 1e-30 to 1"},
    {"eps whose reciprocal is infinite", "/head/norm/eps", "1e-80", "head.norm.eps",
     "a number from 1e-30 to 1"},
    {"eps zero", "/stages/1/norm/eps", "0", "stages[1].norm.eps", "a number from 1e-30 to 1"},
    {"eps missing", "/head/norm/eps", nullptr, "head.norm.eps", "missing"},
    {"norm weight a number", "/stages/0/norm/weight", "1", "stages[0].norm.weight",
     "found 1, expected true or false"},
    {"ratio zero", "/stages/0/mlp/ratio", "0", "stages[0].mlp.ratio", "from 1 to 16"},
    {"channels one too many", "/stages/0/channels", "16385", "stages[0].channels", "16384"},
    {"activation unknown", "/stages/0/mlp/activation", "\"GELU\"", "stages[0].mlp.activation",
     "found \"GELU\""},
    {"layer scale null", "/stages/1/layer_scale", "null", "stages[1].layer_scale", "found null"},
    {"stage field missing", "/stages/1/residual_scale", nullptr, "stages[1].residual_scale",
     "missing, expected true or false"},
    {"stage field unknown", "/stages/1/dropout", "0.1", "stages[1].dropout", "unknown field"},
    {"one embedding short", "/patch_embeddings/1", nullptr, "patch_embeddings",
     "found an array of 1, expected an array of 2"},
    {"stride zero", "/patch_embeddings/0/stride", "0", "patch_embeddings[0].stride", "from 1"},
    {"kernel zero", "/patch_embeddings/0/kernel", "0", "patch_embeddings[0].kernel", "from 1"},
    {"padding as wide as the kernel", "/patch_embeddings/1/padding", "3",
     "patch_embeddings[1].padding", "found 3, expected an integer from 0 to 2"},
    {"head order unknown", "/head/order", "\"pool\"", "head.order", "\"norm_pool\""},
    {"classes zero", "/head/classes", "0", "head.classes", "from 1 to 65536"},
    {"classes huge", "/head/classes", "65537", "head.classes", "found 65537"},
    {"labels for other classes", "/labels", R"(["a", "b"])", "labels", "one label per class (5)"},
    {"too many labels", "/labels", R"(["a","b","c","d","e","f"])", "labels", "0 to 5"},
    {"label a number", "/labels", R"(["a","b",3,"d","e"])", "labels[2]", "found 3"},
    {"label with a line break", "/labels", R"(["a\n","b","c","d","e"])", "labels[0]", "control"},
    {"a path to weights", "/weights", "\"../../etc/passwd\"", "weights", "unknown field"},
    {"comment field", "/_comment", "\"hello\"", "_comment", "unknown field"},
};

std::string damaged(const Damage& damage) {
    Json json = Json::parse(model_json(tiny_description()));
    const Json::json_pointer place(damage.pointer);
    if (damage.value != nullptr) {
        json[place] = Json::parse(damage.value);
    } else if (const std::string last = place.back(); json[place.parent_pointer()].is_array()) {
        json[place.parent_pointer()].erase(std::stoul(last));
    } else {
        json[place.parent_pointer()].erase(last);
    }
    return json.dump();
}

}  // namespace

TEST_CASE("parse_description: one damaged field at a time") {
    REQUIRE(parse_description(model_json(tiny_description()), kFile));
    for (const Damage& damage : kDamages) {
        CAPTURE(damage.name);
        const auto parsed = parse_description(damaged(damage), kFile);
        check_error(parsed, ErrorCode::invalid_model,
                    {kFile + ": field \"" + damage.field + "\": ", damage.message});
    }
}

TEST_CASE("parse_description: minus zero is no integer of a file") {
    std::string text = model_json(tiny_description());
    const std::string_view zero = R"("stride": 4)";
    text.replace(text.find(zero), zero.size(), R"("stride": -0)");
    check_error(parse_description(text, kFile), ErrorCode::invalid_model,
                {kFile, "patch_embeddings[0].stride", "found -0, expected an integer from 1"});
}

TEST_CASE("parse_description: texts too long for their field") {
    Description description = tiny_description();
    description.origin = std::string(1025, 'o');
    check_error(parse_description(model_json(description), kFile), ErrorCode::invalid_model,
                {kFile, "source.origin", "1024"});
    description = tiny_description();
    description.name = std::string(129, 'n');
    check_error(parse_description(model_json(description), kFile), ErrorCode::invalid_model,
                {kFile, "\"name\"", "128"});
    description = tiny_description();
    description.labels.assign(5, std::string(513, 'l'));
    check_error(parse_description(model_json(description), kFile), ErrorCode::invalid_model,
                {kFile, "labels[0]", "512"});
}

TEST_CASE("parse_description: channels times ratio is bounded") {
    Description description = tiny_description();
    description.stages[1].channels = 4097;
    description.stages[1].mlp.ratio = 16;
    check_error(parse_description(model_json(description), kFile), ErrorCode::invalid_model,
                {kFile, "stages[1].mlp.ratio", "found 16", "65536", "4097"});
}

TEST_CASE("parse_description: too many stages") {
    TinyModel options;
    options.depths.assign(17, 1);
    options.channels.assign(17, 8);
    check_error(parse_description(model_json(tiny_description(options)), kFile),
                ErrorCode::invalid_model, {kFile, "\"stages\"", "found an array of 17"});
}

TEST_CASE("parse_description: a file cut anywhere is an error that names the file") {
    const std::string text = model_json(tiny_description());
    for (std::size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        check_error(parse_description(text.substr(0, size), kFile), ErrorCode::invalid_model,
                    {kFile});
    }
}

TEST_CASE("parse_description: a document that is no model") {
    check_error(parse_description("[]", kFile), ErrorCode::invalid_model,
                {kFile, "found an array of 0, expected an object"});
    check_error(parse_description("{}", kFile), ErrorCode::invalid_model,
                {kFile, "schema_version", "missing"});
    check_error(parse_description(std::string(100, '[') + std::string(100, ']'), kFile),
                ErrorCode::invalid_model, {kFile, "deeper nesting"});
    check_error(parse_description(model_json(tiny_description()) + "{}", kFile),
                ErrorCode::invalid_model, {kFile, "invalid JSON"});
    check_error(parse_description(std::string((16 << 20) + 1, ' '), kFile),
                ErrorCode::invalid_model, {kFile, "16777217 bytes"});
    check_error(parse_description(R"({"schema_version":1,"name":"a","name":"b"})", kFile),
                ErrorCode::invalid_model, {kFile, "\"name\"", "found twice"});
}

}  // namespace pf::test
