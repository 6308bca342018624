// How `poolformer bench-diff` reads results: untrusted JSON to measurements and their conditions.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/load/fields.hpp"
#include "engine/load/file_reader.hpp"
#include "engine/load/messages.hpp"
#include "tools/cli/bench_diff.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr JsonLimits kJsonLimits = {kMaxFileBytes, 16, 1'000'000};
constexpr std::size_t kMinRounds = 5;
constexpr std::size_t kMaxRounds = 100'000;
constexpr std::size_t kMaxNames = 64;  // of models, and of engines
constexpr std::size_t kMaxTextBytes = 200;
constexpr std::size_t kMaxNameBytes = 80;
constexpr std::size_t kMaxCount = std::size_t{1} << 53;
constexpr const char* kBench = "poolformer bench --json";
constexpr const char* kSuite = "bench/suite/run.sh --output";

// Of milliseconds, seconds and GFLOP/s: beyond any machine, and far from overflow when multiplied.
double quantity(const FieldReader& place) {
    return place.number(1e-9, 1e9);
}

void add_condition(const FieldReader& place, const std::string& value, ResultFile& out) {
    out.conditions.push_back({place.path(), value});
}

void add_count(const FieldReader& place, ResultFile& out) {
    add_condition(place, std::to_string(place.integer(1, kMaxCount)), out);
}

void add_round(double ms, double peak_gflops, Measurement& out) {
    out.ms.push_back(ms);
    out.normalised.push_back(ms * peak_gflops);
}

std::vector<FieldReader> read_rounds(const FieldReader& place) {
    const auto rounds = place.array(0, kMaxRounds);
    if (rounds.size() >= kMinRounds) return rounds;
    place.refuse("at least " + std::to_string(kMinRounds) +
                 " rounds; measure for longer (--seconds, --rounds)");
    return {};
}

void read_bench(const FieldReader& place, ResultFile& out) {
    ObjectReader root(place);
    ObjectReader environment = root.object("environment");
    Measurement& measurement = out.measurements.emplace_back();
    measurement.engine = "poolformer";
    measurement.model = root.field("model").text(kMaxTextBytes);
    out.cpu = environment.field("cpu").text(kMaxTextBytes);
    add_condition(root.field("model"), in_quotes(measurement.model), out);
    for (const char* count : {"input_height", "input_width", "batch"}) {
        add_count(root.field(count), out);
    }
    add_count(environment.field("threads"), out);
    const FieldReader isa = environment.field("isa");
    add_condition(isa, in_quotes(isa.text(kMaxTextBytes)), out);
    add_count(root.field("macs_per_image"), out);
    for (const FieldReader& item : read_rounds(root.field("rounds"))) {
        ObjectReader round(item);
        add_round(quantity(round.field("median_ms")), quantity(round.field("peak_gflops")),
                  measurement);
    }
}

struct Member {
    std::string name;
    FieldReader place;
};

// The members of an object whose keys are names of models or engines.
std::vector<Member> read_members(const FieldReader& place) {
    const auto* object =
        place.value() == nullptr ? nullptr : std::get_if<JsonValue::Object>(&place.value()->data);
    if (object == nullptr || object->empty() || object->size() > kMaxNames) {
        place.refuse("an object of 1 to " + std::to_string(kMaxNames) + " names");
        return {};
    }
    std::vector<Member> members;
    for (const JsonMember& member : *object) {
        if (member.key.empty() || printable(member.key, kMaxNameBytes) != member.key) {
            place.errors().add(place.path(),
                               "found the name " + in_quotes(member.key) + ", expected 1 to " +
                                   std::to_string(kMaxNameBytes) + " printable ASCII characters");
            return {};
        }
        members.push_back({member.key, FieldReader(&member.value, place.path() + '.' + member.key,
                                                   place.errors())});
    }
    return members;
}

// The suite names the instruction set of the peak in its own engine's title only.
void add_isa(const FieldReader& engine, ResultFile& out) {
    ObjectReader reader(engine);
    const FieldReader place = reader.field("title");
    const std::string title = place.text(kMaxTextBytes);
    const std::size_t begin = title.find('('), end = title.find(')', begin);
    if (end == std::string::npos) return place.refuse("an instruction set in brackets");
    add_condition(place, in_quotes(title.substr(begin, end + 1 - begin)), out);
}

void read_engine(const std::string& name, const std::vector<FieldReader>& rounds,
                 Measurement& out) {
    out.engine = name;
    for (const FieldReader& item : rounds) {
        ObjectReader round(item);
        const double seconds = quantity(round.object("seconds").field(name));
        const double before = quantity(round.field("peak_before"));
        const double after = quantity(round.field("peak_after"));
        add_round(seconds * 1e3, std::max(before, after), out);
    }
}

void read_model(const Member& member, ResultFile& out) {
    ObjectReader model(member.place);
    add_count(model.field("operations"), out);
    const std::vector<FieldReader> rounds = read_rounds(model.field("rounds"));
    for (const Member& engine : read_members(model.field("engines"))) {
        read_engine(engine.name, rounds, out.measurements.emplace_back());
        out.measurements.back().model = member.name;
        if (engine.name == "poolformer") add_isa(engine.place, out);
    }
}

void read_suite(const FieldReader& place, ResultFile& out) {
    ObjectReader root(place);
    out.cpu = root.object("machine").field("cpu").text(kMaxTextBytes);
    add_count(root.field("batch"), out);
    add_count(root.field("threads"), out);
    for (const Member& model : read_members(root.field("models"))) read_model(model, out);
}

}  // namespace

Result<ResultFile> parse_result(std::string_view text, const std::string& file) {
    const auto tree = parse_json(text, file, kJsonLimits);
    if (!tree) return tree.error();
    FirstError errors(file);
    const FieldReader root(&*tree, "", errors);
    ResultFile result;
    result.file = file;
    if (tree->find("models") != nullptr) {
        result.writer = kSuite;
        read_suite(root, result);
    } else if (tree->find("model") != nullptr) {
        result.writer = kBench;
        read_bench(root, result);
    } else {
        root.refuse(
            format("an object with \"model\", of %s, or \"models\", of %s", kBench, kSuite));
    }
    if (errors.is_set()) return errors.status().error();
    return result;
}

Result<ResultFile> read_result_file(const std::string& file) {
    const auto text = read_text(file, kMaxFileBytes);
    return text ? parse_result(*text, file) : text.error();
}

}  // namespace pf::cli
