// What models and sessions say they take is what is mapped for them, to the byte.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <string>

#include "tests/allocation/hooks.hpp"
#include "tests/support/api_handles.hpp"
#include "tests/support/shipped_model.hpp"

namespace pf::test {
namespace {

constexpr long kForkMarkBytes = 4096;  // a page, of each team

// By how many bytes more is mapped than when it was made.
class Growth {
  public:
    long bytes() const { return held().mapped_bytes - before_; }

  private:
    long before_ = held().mapped_bytes;
};

ModelHandle load_path(const std::string& path, int copy_weights = 0) {
    auto options = sized<pf_model_options>();
    options.copy_weights = copy_weights;
    pf_model* model = nullptr;
    REQUIRE(pf_model_load(path.c_str(), &options, &model) == PF_OK);
    return ModelHandle(model);
}

long weight_bytes(const ModelHandle& model) {
    auto info = sized<pf_model_info>();
    REQUIRE(pf_model_get_info(model.get(), &info) == PF_OK);
    return static_cast<long>(info.weight_bytes);
}

void check_session(const pf_model* model, const pf_session_options& options, long more_bytes) {
    const Growth growth;
    {
        const SessionHandle session = open(model, &options);
        auto info = sized<pf_session_info>();
        REQUIRE(pf_session_get_info(session.get(), &info) == PF_OK);
        CHECK(growth.bytes() == static_cast<long>(info.arena_bytes) + more_bytes);
    }
    CHECK(growth.bytes() == 0);
}

// A session of `model` with a team of its own, and with one that is there already.
void check_sessions(const pf_model* model, pf_session_options options) {
    check_session(model, options, kForkMarkBytes);
    auto team_options = sized<pf_team_options>();
    team_options.num_threads = options.num_threads;
    pf_team* team = nullptr;
    REQUIRE(pf_team_create(&team_options, &team) == PF_OK);
    options.team = team;
    check_session(model, options, 0);
    pf_team_destroy(team);
}

}  // namespace

// The shipped model's weights are more than a huge page, and an arena for 512x512 is, too.
TEST_CASE("mapped memory: a folder's packed weights, and each session's arena") {
    const Folder small;
    for (const std::string& path : {small.folder.path(), std::string(kShippedModel)}) {
        CAPTURE(path);
        const Growth growth;
        {
            const ModelHandle model = load_path(path);
            CHECK(growth.bytes() == weight_bytes(model));
            for (const std::size_t side : {0, 512}) {
                for (const std::size_t num_threads : {1, 2}) {
                    CAPTURE(side);
                    CAPTURE(num_threads);
                    auto options = session_options(side, side, num_threads);
                    check_sessions(model.get(), options);
                    options.batch = 2;
                    options.input_format = PF_INPUT_NHWC_U8;
                    check_sessions(model.get(), options);
                }
            }
        }
        CHECK(growth.bytes() == 0);
    }
}

TEST_CASE("mapped memory: a compiled file, mapped and copied") {
    const TemporaryFolder folder;
    const std::string file = folder.path("model.pf");
    REQUIRE(pf_model_save_compiled(load_path(kShippedModel).get(), file.c_str()) == PF_OK);
    for (const int copy : {0, 1}) {
        CAPTURE(copy);
        const Growth growth;
        {
            const ModelHandle model = load_path(file, copy);
            CHECK(growth.bytes() == weight_bytes(model));
        }
        CHECK(growth.bytes() == 0);
    }
}

}  // namespace pf::test
