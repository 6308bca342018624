// The C interface: runs, and what is refused at their door.
// SPDX-License-Identifier: Apache-2.0
#include "engine/api/boundary.hpp"

using namespace pf::api;

namespace {

using pf::ErrorCode;
using pf::RunRequest;
using pf::Session;

std::size_t image_bytes(const Session& session) {
    return pf::kImageChannels * session.plan().input_height * session.plan().input_width *
           pf::bytes_per_value(session.input_format());
}

std::size_t stage_map_floats(const Session& session, std::size_t stage, std::size_t batch) {
    const pf::MapPlan& shape = session.tap_shape(session.model().stage_taps[stage]);
    return batch * shape.channels * shape.pixels();
}

// Of an output that is wanted; one that is not may have any size.
pf_status check_size(const char* name, const float* output, std::size_t found,
                     std::size_t expected) {
    if (output == nullptr || found == expected) return PF_OK;
    return wrong_argument(name, found, std::to_string(expected));
}

struct Buffer {
    const char* name;
    const void* data;  // null if it is not wanted
    std::size_t bytes;
};

std::size_t num_buffers(const RunRequest& request) {
    return 4 + request.stage_maps.size() + request.taps.size();
}

// One of the buffers that a run touches.
Buffer buffer_at(const Session& session, const RunRequest& request, std::size_t index) {
    const pf::Model& model = session.model();
    const auto output = [](const char* name, const float* data, std::size_t num_floats) {
        return Buffer{name, data, num_floats * sizeof(float)};
    };
    const std::size_t classes = request.batch * model.description.head.classes;
    if (index == 0) return {"the input", request.input, request.batch * image_bytes(session)};
    if (index == 1) return output("logits", request.logits, classes);
    if (index == 2) return output("probabilities", request.probabilities, classes);
    if (index == 3) {
        return output("features", request.features,
                      request.batch * model.description.stages.back().channels);
    }
    const std::size_t map = index - 4;
    if (map < request.stage_maps.size()) {
        return output("stage_maps", request.stage_maps[map],
                      stage_map_floats(session, map, request.batch));
    }
    const std::size_t tap = map - request.stage_maps.size();
    const pf::MapPlan& shape = session.tap_shape(tap);
    return output("taps", request.taps[tap], shape.channels * shape.pixels());
}

// That no output lies in the input or in another output.
pf_status check_overlaps(const Session& session, const RunRequest& request) {
    for (std::size_t i = 1; i < num_buffers(request); ++i) {
        const Buffer output = buffer_at(session, request, i);
        for (std::size_t j = 0; output.data != nullptr && j < i; ++j) {
            const Buffer other = buffer_at(session, request, j);
            if (other.data == nullptr) continue;
            if (!overlap(output.data, output.bytes, other.data, other.bytes)) continue;
            return fail({ErrorCode::invalid_argument, std::string(output.name) + " overlaps " +
                                                          other.name +
                                                          ": give each memory of its own"});
        }
    }
    return PF_OK;
}

// What a run says that failed: it allocates nothing, not even words.
const char* words(ErrorCode code) {
    switch (code) {
        case ErrorCode::busy:
            return "this session is running already, in another thread: make a session for each";
        case ErrorCode::cancelled:
            return "the run was cancelled";
        case ErrorCode::deadline_exceeded:
            return "the run took longer than its timeout";
        case ErrorCode::out_of_memory:
            return "oneDNN could not allocate memory to run a patch embedding";
        default:
            return "oneDNN failed to run a patch embedding: please report it";
    }
}

// That the floats of so many images can be counted.
pf_status check_batch(const Session& session, std::size_t batch) {
    if (batch == 0) return wrong_argument("batch", 0, "1 or more");
    const std::size_t most = SIZE_MAX / sizeof(float) / image_bytes(session);
    if (batch <= most) return PF_OK;
    return wrong_argument("batch", batch, "at most " + std::to_string(most));
}

// `timeout_us` of the run, or the session's if it is 0.
pf_status run(const pf_session& handle, RunRequest request, std::uint64_t timeout_us = 0) {
    constexpr std::uint64_t kLongest = std::uint64_t{1} << 50;  // microseconds, 35 years
    Session& session = *handle.session;
    const std::uint64_t wanted = timeout_us != 0 ? timeout_us : handle.timeout_us;
    request.timeout = std::chrono::microseconds(std::min(wanted, kLongest));
    if (pf_status status = check_overlaps(session, request); status != PF_OK) return status;
    const pf::Status status = session.run(request);
    return status ? PF_OK : fail(status.error().code, words(status.error().code));
}

pf_status check_stage_maps(const Session& session, const pf_run& run, std::size_t batch) {
    if (run.stage_maps == nullptr) return PF_OK;
    const std::size_t stages = session.model().stage_taps.size();
    if (run.num_stages != stages) {
        return wrong_argument("num_stages", run.num_stages, std::to_string(stages));
    }
    for (std::size_t i = 0; run.stage_map_floats != nullptr && i < stages; ++i) {
        const std::size_t expected = stage_map_floats(session, i, batch);
        if (run.stage_maps[i] == nullptr || run.stage_map_floats[i] == expected) continue;
        const std::string name = "stage_map_floats[" + std::to_string(i) + "]";
        return wrong_argument(name.c_str(), run.stage_map_floats[i], std::to_string(expected));
    }
    return PF_OK;
}

pf_status check_sizes(const Session& session, const pf_run& run, std::size_t batch) {
    const pf::Model& model = session.model();
    const std::size_t classes = batch * model.description.head.classes;
    const std::size_t features = batch * model.description.stages.back().channels;
    const std::size_t input_bytes = batch * image_bytes(session);
    if (run.input_bytes != input_bytes) {
        return wrong_argument("input_bytes", run.input_bytes, std::to_string(input_bytes));
    }
    pf_status status = check_size("num_logits", run.logits, run.num_logits, classes);
    if (status == PF_OK) {
        status = check_size("num_probabilities", run.probabilities, run.num_probabilities, classes);
    }
    if (status == PF_OK) {
        status = check_size("num_features", run.features, run.num_features, features);
    }
    return status == PF_OK ? check_stage_maps(session, run, batch) : status;
}

}  // namespace

pf_status pf_session_run(pf_session* session, const float* input, size_t batch, float* logits) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (input == nullptr) return null_argument("input");
        if (logits == nullptr) return null_argument("logits");
        if (session->session->input_format() == pf::InputFormat::nhwc_u8) {
            return fail(ErrorCode::invalid_argument,
                        "this session's images are bytes: use pf_session_run_with");
        }
        if (pf_status status = check_batch(*session->session, batch); status != PF_OK) {
            return status;
        }
        return run(*session, {.input = input, .batch = batch, .logits = logits});
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
            return wrong_argument("num_taps", num_taps, std::to_string(expected));
        }
        if (session->session->input_format() == pf::InputFormat::nhwc_u8) {
            return fail(ErrorCode::invalid_argument,
                        "this session's images are bytes: taps need a session for floats");
        }
        return run(*session, {.input = input, .logits = logits, .taps = {taps, num_taps}});
    });
}

pf_status pf_session_run_with(pf_session* session, const pf_run* wanted) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (wanted == nullptr) return null_argument("run");
        pf_run taken;
        if (pf_status status = take(wanted, taken); status != PF_OK) return status;
        if (taken.input == nullptr) return null_argument("input");
        const std::size_t batch = std::max<std::size_t>(taken.batch, 1);
        if (pf_status status = check_batch(*session->session, batch); status != PF_OK) {
            return status;
        }
        if (pf_status status = check_sizes(*session->session, taken, batch); status != PF_OK) {
            return status;
        }
        RunRequest request{.input = taken.input,
                           .batch = batch,
                           .logits = taken.logits,
                           .probabilities = taken.probabilities,
                           .features = taken.features};
        if (taken.stage_maps != nullptr) request.stage_maps = {taken.stage_maps, taken.num_stages};
        return run(*session, request, taken.timeout_us);
    });
}

void pf_session_cancel(pf_session* session) {
    if (session != nullptr) session->session->cancel();
}
