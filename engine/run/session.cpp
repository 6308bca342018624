// Session: runs a Model for one input size with one team of threads.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/session.hpp"

#include <algorithm>
#include <string>

#include "engine/base/float_state.hpp"
#include "engine/run/worker.hpp"

namespace pf {
namespace {

using kernels::divide_up;
using kernels::Range;
using kernels::round_up;

constexpr std::size_t kMaxThreads = 1024;

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

Error busy() {
    return {ErrorCode::busy,
            "this session is running already, in another thread: make a session for each"};
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, SessionPlan plan)
    : model_(std::move(model)), plan_(std::move(plan)) {}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
    if (options.num_threads == 0 || options.num_threads > kMaxThreads) {
        return Error{ErrorCode::invalid_argument, "found " + std::to_string(options.num_threads) +
                                                      " threads, expected 1 to " +
                                                      std::to_string(kMaxThreads)};
    }
    const Input& input = model->description.input;
    auto plan = plan_session(*model, options.input_height ? options.input_height : input.height,
                             options.input_width ? options.input_width : input.width);
    if (!plan) return plan.error();

    std::unique_ptr<Session> session(new Session(std::move(model), std::move(*plan)));
    if (Status status = session->create_convolutions(options.num_threads); !status) {
        return status.error();
    }
    auto arena = AlignedBuffer::allocate(session->plan_.shared_floats +
                                         options.num_threads * session->thread_floats_);
    if (!arena) return arena.error();
    session->arena_ = std::move(*arena);
    auto team = ThreadTeam::create(options.num_threads, options.spin);
    if (!team) return team.error();
    session->team_ = std::move(*team);
    return session;
}

Status Session::create_convolutions(std::size_t num_threads) {
    std::size_t scratch_bytes = plan_.scratch_floats * sizeof(float);
    convolutions_.resize(model_->steps.size());
    for (std::size_t i = 0; i < model_->steps.size(); ++i) {
        const Step& step = model_->steps[i];
        const auto* op = std::get_if<ConvolutionStep>(&step.op);
        if (op == nullptr || op->kernel != ConvolutionKernel::onednn) continue;
        const std::size_t block = model_->kernels->block;
        for (std::size_t thread = 0; thread < num_threads; ++thread) {
            const Range blocks =
                kernels::split(divide_up(step.out_channels, block), num_threads, thread);
            auto& made = convolutions_[i].emplace_back();
            if (blocks.size() == 0) continue;
            const MapPlan* input = step.input_map ? &plan_.maps[*step.input_map] : nullptr;
            const kernels::ConvolutionShape shape{
                .in_channels = step.in_channels,
                .in_height = input ? input->height : plan_.input_height,
                .in_width = input ? input->width : plan_.input_width,
                .out_channels = blocks.size() * block,
                .kernel = op->window.kernel,
                .stride = op->window.stride,
                .padding = op->window.padding,
                .block = block};
            std::string reason;
            made = kernels::Convolution::create(shape, model_->kernels->isa, reason);
            if (made == nullptr) {
                return Error{ErrorCode::unsupported, "convolution " + step.name + ": " + reason};
            }
            scratch_bytes = std::max(scratch_bytes, made->scratch_bytes());
        }
    }
    thread_floats_ = round_up(model_->num_stats, 16) + divide_up(scratch_bytes, sizeof(float));
    thread_floats_ = round_up(thread_floats_, 16);
    return {};
}

Status Session::run(const float* input, std::size_t batch, float* logits) {
    const Entry entry(running_);
    if (!entry.entered()) return busy();
    const std::size_t input_floats = 3 * plan_.input_height * plan_.input_width;
    const std::size_t classes = model_->description.head.classes;
    const auto job = [&](std::size_t thread) {
        const FloatState state;
        for (std::size_t n = 0; n < batch; ++n) {
            const Image image{.input = input + n * input_floats, .logits = logits + n * classes};
            Worker(*this, image, thread).run();
        }
    };
    team_->run(job);
    return finish();
}

Status Session::run_tapped(const float* input, float* logits, std::span<float* const> taps) {
    const Entry entry(running_);
    if (!entry.entered()) return busy();
    const Image image{.input = input, .logits = logits, .taps = taps};
    const auto job = [&](std::size_t thread) {
        const FloatState state;
        Worker(*this, image, thread).run();
    };
    team_->run(job);
    return finish();
}

Status Session::finish() {
    if (!failed_.exchange(false, std::memory_order_relaxed)) return {};
    return Error{ErrorCode::out_of_memory,
                 "oneDNN failed to run a patch embedding: it could not allocate memory"};
}

const MapPlan& Session::tap_shape(std::size_t tap) const {
    const auto found = std::find_if(model_->steps.begin(), model_->steps.end(),
                                    [&](const Step& step) { return step.tap == tap; });
    return plan_.maps[*found->output_map];
}

}  // namespace pf
