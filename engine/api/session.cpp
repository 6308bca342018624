// The C interface: teams and sessions.
// SPDX-License-Identifier: Apache-2.0
#include "engine/api/boundary.hpp"
#include "engine/run/cpu_budget.hpp"

using namespace pf::api;

namespace {

using pf::InputFormat;

static_assert(static_cast<int>(InputFormat::nhwc_u8) == PF_INPUT_NHWC_U8,
              "InputFormat and pf_input_format must list the same formats in the same order");

pf_status check_session(const pf_session_options& options) {
    if (pf_status status = check_allocator(options.allocator); status != PF_OK) return status;
    if (pf_status status = check_cpus(options.cpus, options.num_cpus); status != PF_OK) {
        return status;
    }
    const auto format = static_cast<unsigned>(options.input_format);
    if (format > PF_INPUT_NHWC_U8) return wrong_argument("input_format", format, "0 to 2");
    return PF_OK;
}

void log_session(const pf_session_options& options, const pf::Session& session) {
    if (options.log == nullptr) return;
    const std::size_t budget = pf::cpu_budget();
    const std::string line = session.model().description.name + ": session for " +
                             std::to_string(session.plan().input_height) + "x" +
                             std::to_string(session.plan().input_width) + ", " +
                             std::to_string(session.num_threads()) + " threads and CPUs for " +
                             std::to_string(budget) + ", " + mebibytes(session.arena_bytes()) +
                             " of activations";
    options.log(options.log_user, PF_LOG_INFO, line.c_str());
    if (session.num_threads() <= budget) return;
    const std::string warning = std::to_string(session.num_threads()) + " threads, but CPUs for " +
                                std::to_string(budget) +
                                " (affinity, cgroup quota): they will wait for each other";
    options.log(options.log_user, PF_LOG_WARNING, warning.c_str());
}

pf_status give_tap(const pf::Session& session, std::size_t tap, pf_tap_info* info) {
    const pf::MapPlan& shape = session.tap_shape(tap);
    return give(pf_tap_info{0, session.model().taps[tap].c_str(), shape.channels, shape.height,
                            shape.width},
                info);
}

}  // namespace

size_t pf_cpu_budget(void) {
    const pf::api::CancelBlock no_cancel;
    try {
        return pf::cpu_budget();
    } catch (...) {
        return 1;  // no memory to read the cgroup's files
    }
}

pf_status pf_team_create(const pf_team_options* options, pf_team** team) {
    return guard([&] {
        if (team == nullptr) return null_argument("team");
        *team = nullptr;
        pf_team_options taken;
        if (pf_status status = take(options, taken); status != PF_OK) return status;
        if (pf_status status = check_cpus(taken.cpus, taken.num_cpus); status != PF_OK) {
            return status;
        }
        auto created = pf::ThreadTeam::create(std::max<std::size_t>(taken.num_threads, 1),
                                              std::chrono::microseconds(taken.spin_us),
                                              {taken.cpus, taken.cpus + taken.num_cpus});
        if (!created) return fail(created.error());
        *team = new pf_team{std::move(*created)};
        return PF_OK;
    });
}

void pf_team_destroy(pf_team* team) {
    const Shield shield;  // joining is where threads are cancelled
    delete team;
}

pf_status pf_session_create(const pf_model* model, const pf_session_options* options,
                            pf_session** session) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        *session = nullptr;
        if (model == nullptr) return null_argument("model");
        pf_session_options taken;
        if (pf_status status = take(options, taken); status != PF_OK) return status;
        if (pf_status status = check_session(taken); status != PF_OK) return status;
        pf::SessionOptions wanted;
        wanted.input_height = taken.input_height;
        wanted.input_width = taken.input_width;
        wanted.num_threads = std::max<std::size_t>(taken.num_threads, 1);
        wanted.spin = std::chrono::microseconds(taken.spin_us);
        wanted.batch = std::max<std::size_t>(taken.batch, 1);
        wanted.input_format = static_cast<pf::InputFormat>(taken.input_format);
        wanted.cpus.assign(taken.cpus, taken.cpus + taken.num_cpus);
        wanted.allocator = allocator_of(taken.allocator);
        if (taken.team != nullptr) wanted.team = taken.team->team;
        auto created = pf::Session::create(model->model, wanted);
        if (!created) return fail(created.error());
        log_session(taken, **created);
        *session = new pf_session{std::move(*created), taken.timeout_us};
        return PF_OK;
    });
}

void pf_session_destroy(pf_session* session) {
    const Shield shield;
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
        const std::size_t count = session->session->model().taps.size();
        if (tap >= count) return wrong_argument("tap", tap, "less than " + std::to_string(count));
        return give_tap(*session->session, tap, info);
    });
}

pf_status pf_session_stage_info(const pf_session* session, size_t stage, pf_tap_info* info) {
    return guard([&] {
        if (session == nullptr) return null_argument("session");
        if (info == nullptr) return null_argument("info");
        const auto& taps = session->session->model().stage_taps;
        if (stage >= taps.size()) {
            return wrong_argument("stage", stage, "less than " + std::to_string(taps.size()));
        }
        return give_tap(*session->session, taps[stage], info);
    });
}
