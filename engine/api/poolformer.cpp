// The C interface: checks what comes in, catches what must not go out, and keeps the last error.
// SPDX-License-Identifier: Apache-2.0
#include "poolformer/poolformer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "engine/compile/choose_kernels.hpp"
#include "engine/compile/compile.hpp"
#include "engine/image/preprocess.hpp"
#include "engine/load/weights.hpp"
#include "engine/run/session.hpp"

struct pf_model {
    std::shared_ptr<const pf::Model> model;
};

struct pf_team {
    std::shared_ptr<pf::ThreadTeam> team;
};

struct pf_session {
    std::unique_ptr<pf::Session> session;
};

namespace {

using pf::Error;
using pf::ErrorCode;

static_assert(static_cast<int>(ErrorCode::internal) == PF_INTERNAL,
              "ErrorCode and pf_status must list the same errors in the same order");

std::string& last_error() {
    thread_local std::string message;
    return message;
}

// Never throws: if even the message finds no memory, the status still tells.
pf_status fail(const Error& error) noexcept {
    try {
        last_error() = error.message;
    } catch (...) {
        last_error().clear();
    }
    return static_cast<pf_status>(error.code);
}

pf_status fail(ErrorCode code, const char* message) noexcept {
    try {
        return fail(Error{code, message});
    } catch (...) {
        last_error().clear();
        return static_cast<pf_status>(code);
    }
}

// Runs `body`, which returns a pf_status, and lets no exception out.
template <class Body>
pf_status guard(const Body& body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "out of memory");
    } catch (const std::exception& failure) {
        return fail(ErrorCode::internal, failure.what());
    } catch (...) {
        return fail(ErrorCode::internal, "unknown exception");
    }
}

pf_status null_argument(const char* name) {
    return fail(Error{ErrorCode::invalid_argument, std::string(name) + " is NULL"});
}

// Copies as much of `full` as the caller's struct, compiled against an older header, has room for.
template <class Info>
pf_status give(const Info& full, Info* out) {
    const std::size_t room = out->struct_size;
    if (room < sizeof(std::size_t)) {
        return fail(Error{ErrorCode::invalid_argument, "struct_size: found " +
                                                           std::to_string(room) + ", expected " +
                                                           std::to_string(sizeof(Info))});
    }
    std::memcpy(out, &full, std::min(room, sizeof(Info)));
    out->struct_size = room;
    return PF_OK;
}

// The caller's options; what an older header does not have keeps its default, which is zero.
template <class Options>
Options take(const Options* options) {
    Options taken{};
    if (options != nullptr) {
        std::memcpy(&taken, options, std::min(options->struct_size, sizeof(Options)));
    }
    return taken;
}

}  // namespace

const char* pf_version(void) {
    return PF_VERSION;
}

const char* pf_last_error(void) {
    return last_error().c_str();
}

pf_status pf_model_load(const char* folder, const pf_model_options* options, pf_model** model) {
    return guard([&] {
        if (folder == nullptr) return null_argument("folder");
        if (model == nullptr) return null_argument("model");
        *model = nullptr;
        const pf_model_options taken = take(options);
        const auto kernels = pf::choose_kernels(taken.isa == nullptr ? "" : taken.isa);
        if (!kernels) return fail(kernels.error());
        const auto loaded = pf::load_model_folder(folder);
        if (!loaded) return fail(loaded.error());
        auto compiled = pf::compile(*loaded, **kernels);
        if (!compiled) {
            return fail(Error{compiled.error().code,
                              std::string(folder) + ": " + compiled.error().message});
        }
        *model = new pf_model{std::make_shared<const pf::Model>(std::move(*compiled))};
        return PF_OK;
    });
}

void pf_model_destroy(pf_model* model) {
    delete model;
}

pf_status pf_model_get_info(const pf_model* model, pf_model_info* info) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (info == nullptr) return null_argument("info");
        const pf::Model& m = *model->model;
        pf_model_info full{};
        full.name = m.description.name.c_str();
        full.isa = m.kernels->name;
        full.num_classes = m.description.head.classes;
        full.num_labels = m.description.labels.size();
        full.num_parameters = m.num_parameters;
        full.input_height = m.description.input.height;
        full.input_width = m.description.input.width;
        full.weight_bytes = m.weights.size_bytes();
        return give(full, info);
    });
}

const char* pf_model_label(const pf_model* model, size_t class_index) {
    if (model == nullptr) return nullptr;
    const auto& labels = model->model->description.labels;
    return class_index < labels.size() ? labels[class_index].c_str() : nullptr;
}

pf_status pf_preprocess(const pf_model* model, const uint8_t* rgb, size_t height, size_t width,
                        size_t row_stride, float* output) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (rgb == nullptr) return null_argument("rgb");
        if (output == nullptr) return null_argument("output");
        const pf::Input& input = model->model->description.input;
        const pf::Status status = pf::preprocess({rgb, height, width, row_stride}, input,
                                                 {output, 3 * input.height * input.width});
        return status ? PF_OK : fail(status.error());
    });
}

pf_status pf_team_create(const pf_team_options* options, pf_team** team) {
    return guard([&] {
        if (team == nullptr) return null_argument("team");
        *team = nullptr;
        const pf_team_options taken = take(options);
        auto created = pf::ThreadTeam::create(std::max<std::size_t>(taken.num_threads, 1),
                                              std::chrono::microseconds(taken.spin_us));
        if (!created) return fail(created.error());
        *team = new pf_team{std::move(*created)};
        return PF_OK;
    });
}

void pf_team_destroy(pf_team* team) {
    delete team;
}

pf_status pf_session_create(const pf_model* model, const pf_session_options* options,
                            pf_session** session) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (session == nullptr) return null_argument("session");
        *session = nullptr;
        const pf_session_options taken = take(options);
        pf::SessionOptions wanted;
        wanted.input_height = taken.input_height;
        wanted.input_width = taken.input_width;
        wanted.num_threads = std::max<std::size_t>(taken.num_threads, 1);
        wanted.spin = std::chrono::microseconds(taken.spin_us);
        wanted.batch = std::max<std::size_t>(taken.batch, 1);
        if (taken.team != nullptr) wanted.team = taken.team->team;
        auto created = pf::Session::create(model->model, wanted);
        if (!created) return fail(created.error());
        *session = new pf_session{std::move(*created)};
        return PF_OK;
    });
}

void pf_session_destroy(pf_session* session) {
    delete session;
}

pf_status pf_session_get_info(const pf_session* session, pf_session_info* info) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (info == nullptr) return null_argument("info");
        const pf::Session& s = *session->session;
        pf_session_info full{};
        full.input_height = s.plan().input_height;
        full.input_width = s.plan().input_width;
        full.num_threads = s.num_threads();
        full.num_taps = s.model().taps.size();
        full.arena_bytes = s.arena_bytes();
        full.macs = s.plan().macs;
        return give(full, info);
    });
}

pf_status pf_session_tap_info(const pf_session* session, size_t tap, pf_tap_info* info) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (info == nullptr) return null_argument("info");
        const pf::Session& s = *session->session;
        const auto& names = s.model().taps;
        if (tap >= names.size()) {
            return fail(Error{ErrorCode::invalid_argument, "tap: found " + std::to_string(tap) +
                                                               ", expected less than " +
                                                               std::to_string(names.size())});
        }
        const pf::MapPlan& shape = s.tap_shape(tap);
        return give(pf_tap_info{0, names[tap].c_str(), shape.channels, shape.height, shape.width},
                    info);
    });
}

pf_status pf_session_run(pf_session* session, const float* input, size_t batch, float* logits) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (input == nullptr) return null_argument("input");
        if (logits == nullptr) return null_argument("logits");
        if (batch == 0)
            return fail(ErrorCode::invalid_argument, "batch: found 0, expected 1 or more");
        const pf::Status status = session->session->run(input, batch, logits);
        return status ? PF_OK : fail(status.error());
    });
}

pf_status pf_session_run_tapped(pf_session* session, const float* input, float* logits,
                                float* const* taps, size_t num_taps) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (input == nullptr) return null_argument("input");
        if (logits == nullptr) return null_argument("logits");
        if (taps == nullptr) return null_argument("taps");
        const std::size_t expected = session->session->model().taps.size();
        if (num_taps != expected) {
            return fail(
                Error{ErrorCode::invalid_argument, "num_taps: found " + std::to_string(num_taps) +
                                                       ", expected " + std::to_string(expected)});
        }
        const pf::Status status = session->session->run_tapped(input, logits, {taps, num_taps});
        return status ? PF_OK : fail(status.error());
    });
}
