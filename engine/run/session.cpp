// Session: runs a Model for one input size with one team of threads.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/session.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/base/float_state.hpp"
#include "engine/run/worker.hpp"

namespace pf {
namespace {

using kernels::divide_up;
using kernels::Range;
using kernels::whole_lines;

// Marks a session as running for as long as it lives, if nobody else has.
class Entry {
  public:
    explicit Entry(std::atomic<bool>& running)
        : running_(running), entered_(!running.exchange(true, std::memory_order_acquire)) {}
    ~Entry() {
        if (entered_) running_.store(false, std::memory_order_release);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    bool entered() const { return entered_; }

  private:
    std::atomic<bool>& running_;
    bool entered_;
};

}  // namespace

Session::Session(std::shared_ptr<const Model> model, SessionPlan plan,
                 std::shared_ptr<ThreadTeam> team)
    : model_(std::move(model)), plan_(std::move(plan)), team_(std::move(team)) {}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
    std::shared_ptr<ThreadTeam> team = options.team;
    if (team == nullptr) {
        auto created = ThreadTeam::create(options.num_threads, options.spin, options.cpus);
        if (!created) return created.error();
        team = std::move(*created);
    }
    const Input& input = model->description.input;
    auto plan = plan_session(*model, options.input_height ? options.input_height : input.height,
                             options.input_width ? options.input_width : input.width,
                             options.input_format, team->num_threads());
    if (!plan) return plan.error();

    std::unique_ptr<Session> session(
        new Session(std::move(model), std::move(*plan), std::move(team)));
    session->input_format_ = options.input_format;
    session->levels_ = normalised_levels(session->model_->description.input);
    session->images_at_once_ = options.batch >= session->num_threads() ? session->num_threads() : 1;
    if (Status status = session->create_convolutions(); !status) return status.error();
    if (Status status = session->allocate(options); !status) return status.error();
    session->make_tasks();
    return session;
}

Status Session::create_convolutions() {
    for (const Step& step : model_->steps) {
        const auto* op = std::get_if<ConvolutionStep>(&step.op);
        if (op == nullptr || !std::holds_alternative<kernels::OnednnLayout>(op->layout)) continue;
        const std::size_t num_blocks = divide_up(step.out_channels, model_->kernels->block);
        for (std::size_t thread = 0; thread < images_at_once_; ++thread) {
            Status made = add_convolution(step, {0, num_blocks}, whole_convolutions_);
            if (!made) return made;
        }
        if (num_threads() == 1) continue;
        for (std::size_t thread = 0; thread < num_threads(); ++thread) {
            const Range share = kernels::split(num_blocks, num_threads(), thread);
            Status made = add_convolution(step, share, shared_convolutions_);
            if (!made) return made;
        }
    }
    return {};
}

Status Session::add_convolution(const Step& step, Range blocks, Convolutions& to) {
    auto& made = to.emplace_back();
    if (blocks.size() == 0) return {};
    const PatchEmbedding& window = std::get<ConvolutionStep>(step.op).window;
    const std::size_t block = model_->kernels->block;
    const kernels::ConvolutionShape shape{.in_channels = step.in_channels,
                                          .in_height = plan_.input_height,
                                          .in_width = plan_.input_width,
                                          .out_channels = blocks.size() * block,
                                          .kernel = window.kernel,
                                          .stride = window.stride,
                                          .padding = window.padding,
                                          .block = block};
    std::string reason;
    made = kernels::Convolution::create(shape, model_->kernels->isa, reason);
    if (made == nullptr) {
        return Error{ErrorCode::unsupported, "convolution " + step.name + ": " + reason};
    }
    plan_.scratch_floats =
        std::max(plan_.scratch_floats, divide_up(made->scratch_bytes(), sizeof(float)));
    return {};
}

Status Session::allocate(const SessionOptions& options) {
    thread_floats_ = whole_lines(model_->num_stats) + whole_lines(plan_.scratch_floats);
    auto arena = AlignedBuffer::allocate(
        images_at_once_ * plan_.shared_floats + num_threads() * thread_floats_, options.allocator);
    if (!arena) return arena.error();
    arena_ = std::move(*arena);
    // Writing brings the pages in now, so that the first run is as quick as any other.
    std::fill(arena_.floats().begin(), arena_.floats().end(), 0.0f);
    return {};
}

void Session::make_tasks() {
    for (std::size_t thread = 0; thread < num_threads(); ++thread) {
        float* floats = thread_floats_of(thread);
        Place place{
            .thread = thread, .shifts = floats, .scratch = floats + whole_lines(model_->num_stats)};
        if (thread < images_at_once_) {
            place.maps = maps_of(thread);
            whole_tasks_.push_back(pf::make_tasks(*model_, plan_, whole_convolutions_, place));
        }
        if (num_threads() == 1) continue;
        place.num_threads = num_threads();
        place.maps = maps_of(0);
        shared_tasks_.push_back(pf::make_tasks(*model_, plan_, shared_convolutions_, place));
    }
}

float* Session::maps_of(std::size_t area) {
    return arena_.data() + area * plan_.shared_floats;
}

float* Session::thread_floats_of(std::size_t thread) {
    return maps_of(images_at_once_) + thread * thread_floats_;
}

void Session::start(const RunRequest& request) {
    cancelled_.store(false, std::memory_order_relaxed);
    stopped_.store(false, std::memory_order_relaxed);
    stop_position_.store(std::numeric_limits<std::size_t>::max(), std::memory_order_relaxed);
    const bool is_timed = request.timeout.count() > 0;
    deadline_ = is_timed ? Clock::now() + request.timeout : Clock::time_point::max();
}

bool Session::run_alone(const Image& image, std::size_t thread) {
    return Worker(*this, image, {.size = 1, .area = thread}, thread).run();
}

// One thread's part of a batch: whole images as long as there is one for each thread, then shares
// of the rest.
void Session::run_on_team(const RunRequest& request, std::size_t thread) {
    const std::size_t batch = request.batch;
    const std::size_t rest = images_at_once_ == num_threads() ? batch % num_threads() : batch;
    for (std::size_t n = thread; n < batch - rest; n += num_threads()) {
        if (!run_alone({request, n}, thread)) break;
    }
    if (rest > 0 && rest < batch) team_->barrier();  // thread 0's image lies where the rest will
    for (std::size_t n = batch - rest; n < batch; ++n) {
        if (!Worker(*this, {request, n}, {.size = num_threads()}, thread).run()) break;
    }
}

Status Session::run(const RunRequest& request) {
    const Entry entry(running_);
    if (!entry.entered()) return Error{ErrorCode::busy, {}};
    start(request);
    const auto job = [&](std::size_t thread) {
        const FloatState state(Subnormals::flushed);
        run_on_team(request, thread);
    };
    if (!team_->try_run(job)) {
        const ThreadTeam::LoneCaller alone(*team_);
        const FloatState state(Subnormals::flushed);
        for (std::size_t n = 0; n < request.batch; ++n) {
            if (!run_alone({request, n}, 0)) break;
        }
    }
    return finish();
}

Status Session::finish() {
    using kernels::Execution;
    const Execution failure = failure_.exchange(Execution::done, std::memory_order_relaxed);
    if (failure == Execution::out_of_memory) return Error{ErrorCode::out_of_memory, {}};
    if (failure == Execution::failed) return Error{ErrorCode::internal, {}};
    if (!stopped_.load(std::memory_order_relaxed)) return {};
    const bool is_cancelled = cancelled_.load(std::memory_order_relaxed);
    return Error{is_cancelled ? ErrorCode::cancelled : ErrorCode::deadline_exceeded, {}};
}

const MapPlan& Session::tap_shape(std::size_t tap) const {
    return plan_.maps[plan_.tap_maps[tap]];
}

}  // namespace pf
