// The C++ header: the C interface's bits and errors, sizes that are checked, handles that move.
// SPDX-License-Identifier: Apache-2.0
#include "poolformer/poolformer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/api_handles.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/compiled_bytes.hpp"

namespace pf::test {
namespace {

using namespace std::chrono_literals;
using poolformer::Bytes;
using poolformer::Error;
using poolformer::Expected;
using poolformer::Model;
using poolformer::Run;
using poolformer::Session;
using poolformer::SessionOptions;
using poolformer::Team;
using poolformer::View;

template <class From, class To>
constexpr bool kConverts = std::is_convertible_v<From, To>;

static_assert(kConverts<std::vector<float>&, View<float>>);
static_assert(kConverts<const std::vector<float>&, View<const float>>);
static_assert(kConverts<std::array<float, 3>&, View<float>>);
static_assert(kConverts<float (&)[3], View<float>>);
static_assert(kConverts<std::span<float>, View<float>>);
static_assert(kConverts<std::span<const float>, View<const float>>);
static_assert(kConverts<View<float>, View<const float>>);
static_assert(kConverts<View<const float>, std::span<const float>>);
static_assert(!kConverts<const std::vector<float>&, View<float>>);
static_assert(!kConverts<View<const float>, View<float>>);
static_assert(!kConverts<std::vector<double>&, View<float>>);
static_assert(!kConverts<float*, View<float>>);
static_assert(kConverts<const std::vector<std::uint8_t>&, Bytes>);
static_assert(kConverts<View<const float>, Bytes>);
static_assert(kConverts<std::string, Bytes>);
static_assert(!kConverts<std::vector<std::vector<float>>, Bytes>);
static_assert(!kConverts<std::vector<float*>, Bytes>);

template <class Handle>
constexpr bool kOnlyMoves =
    std::is_nothrow_move_constructible_v<Handle>&& std::is_nothrow_move_assignable_v<Handle> &&
    !std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>;

static_assert(kOnlyMoves<Model> && kOnlyMoves<Team> && kOnlyMoves<Session>);

constexpr std::size_t kImage = 3 * kSide * kSide;

Model load_cpp(const Folder& folder) {
    return Model::load(folder.folder.path()).value();
}

template <class T>
void check_error(const Expected<T>& found, pf_status code, const std::string& part) {
    CHECK(!found);
    CHECK(found.code() == code);
    const std::string message = found.message();
    INFO("message: ", message);
    INFO("must contain: ", part);
    CHECK(message.find(part) != std::string::npos);
}

// What the C interface computes, with one thread.
std::vector<float> c_logits(const Folder& folder, const std::vector<float>& images,
                            std::size_t batch) {
    const ModelHandle model = load(folder);
    const SessionHandle session = open(model.get());
    std::vector<float> logits(batch * kClasses);
    REQUIRE(pf_session_run(session.get(), images.data(), batch, logits.data()) == PF_OK);
    return logits;
}

}  // namespace

TEST_CASE("C++ header: runs give the C interface's bits, on a team and after moves") {
    const Folder folder(true);
    const std::vector<float> images = hash_floats(2 * kImage, 5);
    const std::vector<float> expected = c_logits(folder, images, 2);

    Model model = load_cpp(folder);
    CHECK(model.info().num_classes == kClasses);
    CHECK(std::string(model.label(1)) == "b");
    CHECK(model.label(kClasses) == nullptr);
    CHECK(std::string(poolformer::version()) == pf_version());
    CHECK(poolformer::cpu_budget() == pf_cpu_budget());

    auto team = Team::create({2, 10us, {}});
    REQUIRE_MESSAGE(team, team.message());
    SessionOptions options;
    options.team = &*team;
    auto created = Session::create(model, options);
    REQUIRE_MESSAGE(created, created.message());
    Session session = std::move(*created);
    CHECK(session.info().num_threads == 2);
    {
        const Model moved = std::move(model);  // the session keeps its model alive
        const Team gone = std::move(*team);
    }
    std::vector<float> logits(2 * kClasses);
    const auto done = session.run(images, logits, 2);
    REQUIRE_MESSAGE(done, done.message());
    CHECK(done.code() == PF_OK);
    CHECK(std::string(done.message()).empty());
    CHECK(logits == expected);
    session.cancel();  // no run, so nothing happens
    CHECK(session.run(std::span<const float>(images), std::span<float>(logits), 2));
}

TEST_CASE("C++ header: one run gives every output") {
    const Folder folder;
    const std::vector<float> image = hash_floats(kImage, 6);
    const Model model = load_cpp(folder);
    Session session = Session::create(model).value();

    std::vector<std::vector<float>> maps;
    std::vector<float*> stage_maps;
    for (std::size_t i = 0; i < model.info().num_stages; ++i) {
        const poolformer::TapInfo info = session.stage_info(i).value();
        maps.emplace_back(info.channels * info.height * info.width);
        stage_maps.push_back(maps.back().data());
    }
    std::vector<float> logits(kClasses);
    std::vector<float> probabilities(kClasses);
    std::vector<float> features(model.info().num_features);
    Run run;
    run.input = image;
    run.logits = logits;
    run.probabilities = probabilities;
    run.features = features;
    run.stage_maps = stage_maps;
    run.timeout = 1h;
    const auto done = session.run(run);
    REQUIRE_MESSAGE(done, done.message());
    CHECK(logits == c_logits(folder, image, 1));
    double sum = 0;
    for (const float p : probabilities) sum += p;
    CHECK(sum == doctest::Approx(1));
    CHECK(features != std::vector<float>(features.size()));
    for (const auto& map : maps) CHECK(map != std::vector<float>(map.size()));

    std::vector<float> tapped(kClasses);
    const std::vector<float*> taps(session.info().num_taps);
    CHECK(session.run_tapped(image, tapped, taps));
    CHECK(tapped == logits);

    run.timeout = -1ms;  // no time left, which is not the C interface's "never"
    check_error(session.run(run), PF_DEADLINE_EXCEEDED, "");

    SessionOptions options;
    options.timeout = 0ms;
    Session hasty = Session::create(model, options).value();
    check_error(hasty.run(image, logits), PF_DEADLINE_EXCEEDED, "");
    run.timeout = 1h;
    CHECK(hasty.run(run));
}

TEST_CASE("C++ header: a wrong size is refused by name, and nothing is written") {
    const Folder folder;
    const Model model = load_cpp(folder);
    Session session = Session::create(model).value();
    const std::vector<float> image(kImage);
    std::vector<float> logits(kClasses);
    std::vector<float> wrong(kClasses + 1);
    std::vector<float> none;
    const auto refused = [&](auto change, const char* name) {
        Run run;
        run.input = image;
        run.logits = logits;
        change(run);
        check_error(session.run(run), PF_INVALID_ARGUMENT, name);
    };
    refused([&](Run& run) { run.batch = 2; }, "input_bytes");
    refused([&](Run& run) { run.input = wrong; }, "input_bytes");
    refused([&](Run& run) { run.input = Bytes(); }, "input");
    refused([&](Run& run) { run.logits = wrong; }, "num_logits");
    refused([&](Run& run) { run.probabilities = wrong; }, "num_probabilities");
    refused([&](Run& run) { run.features = View<float>(wrong.data(), 1); }, "num_features");
    const std::vector<float*> too_many(99);
    refused([&](Run& run) { run.stage_maps = too_many; }, "num_stages");
    const std::vector<std::size_t> sizes(2);
    refused([&](Run& run) { run.stage_map_floats = sizes; }, "stage_map_floats");
    const std::vector<float*> maps(2, wrong.data());
    refused([&](Run& run) { run.stage_maps = maps, run.stage_map_floats = sizes; },
            "stage_map_floats[0]: found 0");
    check_error(session.run(image, none), PF_INVALID_ARGUMENT, "logits");
    check_error(session.run(none, logits), PF_INVALID_ARGUMENT, "input");
    check_error(session.run_tapped(none, logits, {}), PF_INVALID_ARGUMENT, "image");
    check_error(session.run_tapped(image, wrong, {}), PF_INVALID_ARGUMENT, "logits");
    check_error(session.run_tapped(image, logits, too_many), PF_INVALID_ARGUMENT, "num_taps");
    check_error(session.tap_info(99), PF_INVALID_ARGUMENT, "tap");
    CHECK(wrong == std::vector<float>(wrong.size()));
}

TEST_CASE("C++ header: pre-processing checks what it reads and writes") {
    const Folder folder;
    const Model model = load_cpp(folder);
    const std::vector<std::uint8_t> rgb(30 * 100, 77);  // 30 rows of 33 pixels and a byte
    std::vector<float> expected(kImage);
    std::vector<float> output(kImage);
    REQUIRE(pf_preprocess(model.get(), rgb.data(), 30, 33, 100, expected.data()) == PF_OK);
    const View<const std::uint8_t> all = rgb;
    CHECK(model.preprocess(all, 30, 33, output, 100));
    CHECK(output == expected);
    const View<const std::uint8_t> without_padding(rgb.data(), rgb.size() - 1);
    CHECK(model.preprocess(without_padding, 30, 33, output, 100));
    CHECK(model.preprocess(all, 30, 33, output));

    const View<const std::uint8_t> short_by_one(rgb.data(), rgb.size() - 2);
    const View<float> no_room(output.data(), output.size() - 1);
    check_error(model.preprocess(short_by_one, 30, 33, output, 100), PF_INVALID_ARGUMENT, "rgb");
    check_error(model.preprocess(all, 31, 33, output), PF_INVALID_ARGUMENT, "rgb");
    check_error(model.preprocess(all, 1, SIZE_MAX / 2, output), PF_INVALID_ARGUMENT, "rgb");
    check_error(model.preprocess({}, 1, 1, output), PF_INVALID_ARGUMENT, "rgb");
    check_error(model.preprocess(all, 30, 33, output, 98), PF_INVALID_ARGUMENT, "row_stride");
    check_error(model.preprocess(all, 0, 33, output), PF_INVALID_ARGUMENT, "height");
    check_error(model.preprocess(all, 30, 33, no_room), PF_INVALID_ARGUMENT, "output");
}

TEST_CASE("C++ header: models come from memory and from compiled files") {
    const Folder folder;
    const std::vector<float> image = hash_floats(kImage, 7);
    const auto logits_of = [&](const Expected<Model>& model) {
        REQUIRE_MESSAGE(model, model.message());
        std::vector<float> logits(kClasses);
        REQUIRE(Session::create(*model).value().run(image, logits));
        return logits;
    };
    const std::vector<float> expected = c_logits(folder, image, 1);
    CHECK(logits_of(Model::load_memory(content_of(folder.folder.path("model.json")),
                                       content_of(folder.folder.path("model.safetensors")))) ==
          expected);

    const std::string file = folder.folder.path("compiled");
    const auto saved = load_cpp(folder).save_compiled(file);
    REQUIRE_MESSAGE(saved, saved.message());
    CHECK(logits_of(Model::load(file)) == expected);
    poolformer::ModelOptions options;
    options.copy_weights = true;
    CHECK(logits_of(Model::load(file, options)) == expected);

    const std::string content = content_of(file);
    const AlignedBytes aligned = resized(std::as_bytes(std::span(content)), content.size());
    CHECK(logits_of(Model::load_compiled_memory(aligned.bytes())) == expected);
    check_error(Model::load_compiled_memory(aligned.bytes().subspan(4)), PF_INVALID_ARGUMENT,
                "multiple of 64");
}

TEST_CASE("C++ header: a batch of no images is refused, as by the C interface") {
    const Folder folder;
    Session session = Session::create(load_cpp(folder)).value();
    const std::vector<float> image = hash_floats(kImage, 7);
    std::vector<float> logits(kClasses);
    check_error(session.run(image, logits, 0), PF_INVALID_ARGUMENT, "batch: expected 1 or more");
}

TEST_CASE("C++ header: failures carry code and words, and value() throws them") {
    const auto model = Model::load("/no/such/folder");
    check_error(model, PF_FILE_ERROR, "/no/such/folder");
    CHECK(model.error().code() == PF_FILE_ERROR);
    try {
        (void)model.value();
        FAIL("value() of an error must throw");
    } catch (const Error& error) {
        CHECK(error.code() == PF_FILE_ERROR);
        CHECK(std::string(error.what()) == model.message());
    }
    poolformer::ModelOptions options;
    options.isa = "avx1024";
    const Folder folder;
    check_error(Model::load(folder.folder.path(), options), PF_INVALID_ARGUMENT, "avx1024");

    SessionOptions tiny;
    tiny.input_height = 1;
    check_error(Session::create(load_cpp(folder), tiny), PF_INVALID_ARGUMENT, "");
    check_error(Team::create({1u << 30, 0us, {}}), PF_INVALID_ARGUMENT, "");
}

}  // namespace pf::test
