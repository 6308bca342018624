// poolformer.hpp: poolformer.h for C++17 and later, header-only: handles, views, results.
// SPDX-License-Identifier: Apache-2.0
//
//     auto model = poolformer::Model::load("models/poolformer_c10");
//     if (!model) return fail(model.message());
//     auto session = poolformer::Session::create(*model);
//     if (!session) return fail(session.message());
//     if (auto done = session->run(images, logits); !done) return fail(done.message());
//
// Whatever can fail returns an Expected: a value, or a pf_status and why in words. Nothing throws
// but value(), which exists only if exceptions do: `Model::load(path).value()` throws Error.
// Handles destroy what they hold, can be moved and not copied; one that was moved from may only be
// assigned to or destroyed. What poolformer.h says of threads, lifetimes and order of destruction
// holds here. A run allocates nothing; one that fails allocates its message.
#pragma once

#include <poolformer/poolformer.h>
#include <poolformer/options.hpp>
#include <poolformer/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace poolformer {

// The library's version, such as "0.1.0".
inline const char* version() noexcept {
    return pf_version();
}

// How many threads of this process can really run at the same time.
inline std::size_t cpu_budget() noexcept {
    return pf_cpu_budget();
}

namespace detail {

struct Destroy {
    void operator()(pf_model* model) const noexcept { pf_model_destroy(model); }
    void operator()(pf_team* team) const noexcept { pf_team_destroy(team); }
    void operator()(pf_session* session) const noexcept { pf_session_destroy(session); }
};

template <class Handle>
using Owner = std::unique_ptr<Handle, Destroy>;

// A struct that says its size, else zeros.
template <class Struct>
Struct sized() noexcept {
    Struct value{};
    value.struct_size = sizeof value;
    return value;
}

inline Status status(pf_status code) {
    if (code == PF_OK) return std::monostate{};
    return Error(code, pf_last_error());
}

inline Status refuse(const char* message) {
    return Error(PF_INVALID_ARGUMENT, message);
}

}  // namespace detail

// ---- handles -----------------------------------------------------------------------------------

// An immutable model, for any number of sessions and threads to share.
class Model {
  public:
    // A folder with model.json and model.safetensors, or a file that save_compiled wrote.
    static Expected<Model> load(const std::string& path, const ModelOptions& options = {}) {
        return make(options, [&](const pf_model_options* wanted, pf_model** model) {
            return pf_model_load(path.c_str(), wanted, model);
        });
    }

    // The bytes of the two files, which are needed no longer afterwards.
    static Expected<Model> load_memory(Bytes json, Bytes safetensors,
                                       const ModelOptions& options = {}) {
        return make(options, [&](const pf_model_options* wanted, pf_model** model) {
            return pf_model_load_memory(json.data(), json.size(), safetensors.data(),
                                        safetensors.size(), wanted, model);
        });
    }

    // The bytes of a compiled file: aligned to 64 bytes; used where they are, so they must stay
    // unchanged and outlive the model and its sessions, unless copy_weights is set.
    static Expected<Model> load_compiled_memory(Bytes data, const ModelOptions& options = {}) {
        return make(options, [&](const pf_model_options* wanted, pf_model** model) {
            return pf_model_load_compiled_memory(data.data(), data.size(), wanted, model);
        });
    }

    Status save_compiled(const std::string& file) const {
        return detail::status(pf_model_save_compiled(get(), file.c_str()));
    }

    ModelInfo info() const noexcept {
        auto info = detail::sized<ModelInfo>();
        pf_model_get_info(get(), &info);
        return info;
    }

    // Null if the model has no labels or no such class; valid as long as the model.
    const char* label(std::size_t class_index) const noexcept {
        return pf_model_label(get(), class_index);
    }

    // rgb: height rows of row_stride bytes (0: 3 * width), 8-bit R, G, B; the last row may end with
    // its pixels. output: [3, input_height, input_width] floats, normalised.
    Status preprocess(View<const std::uint8_t> rgb, std::size_t height, std::size_t width,
                      View<float> output, std::size_t row_stride = 0) const {
        const ModelInfo size = info();
        if (output.size() != 3 * size.input_height * size.input_width) {
            return detail::refuse("output: expected 3 * input_height * input_width floats");
        }
        if (row_stride == 0) row_stride = 3 * width;
        if (height > 0 && width > 0) {  // the library refuses the others
            const bool has_row = rgb.size() / 3 >= width;
            if (!has_row || (rgb.size() - 3 * width) / row_stride < height - 1) {
                return detail::refuse("rgb: expected height rows of row_stride bytes");
            }
        }
        return detail::status(
            pf_preprocess(get(), rgb.data(), height, width, row_stride, output.data()));
    }

    // For functions of the C interface; the handle stays this object's.
    const pf_model* get() const noexcept { return handle_.get(); }

  private:
    explicit Model(pf_model* handle) noexcept : handle_(handle) {}

    template <class Load>
    static Expected<Model> make(const ModelOptions& options, const Load& load) {
        auto wanted = detail::sized<pf_model_options>();
        wanted.isa = options.isa;
        wanted.log = options.log;
        wanted.log_user = options.log_user;
        wanted.allocator = options.allocator;
        wanted.copy_weights = options.copy_weights ? 1 : 0;
        pf_model* model = nullptr;
        const pf_status code = load(&wanted, &model);
        if (code != PF_OK) return Error(code, pf_last_error());
        return Model(model);
    }

    detail::Owner<pf_model> handle_;
};

// Threads for any number of sessions to share; sessions keep theirs alive. A run that finds its
// team busy works in its caller's thread alone, with the same bits.
class Team {
  public:
    static Expected<Team> create(const TeamOptions& options = {}) {
        auto wanted = detail::sized<pf_team_options>();
        wanted.num_threads = options.num_threads;
        wanted.spin_us = detail::spin_us(options.spin);
        wanted.cpus = options.cpus.data();
        wanted.num_cpus = options.cpus.size();
        pf_team* team = nullptr;
        const pf_status code = pf_team_create(&wanted, &team);
        if (code != PF_OK) return Error(code, pf_last_error());
        return Team(team);
    }

    const pf_team* get() const noexcept { return handle_.get(); }

  private:
    explicit Team(pf_team* handle) noexcept : handle_(handle) {}

    detail::Owner<pf_team> handle_;
};

// Runs a model for one input size. Belongs to one caller at a time (a second one gets PF_BUSY);
// cancel() is anybody's. Must not be destroyed or moved during a run.
class Session {
  public:
    // Model and team may be destroyed before the session, which keeps what it needs of both.
    static Expected<Session> create(const Model& model, const SessionOptions& options = {}) {
        auto wanted = detail::sized<pf_session_options>();
        wanted.input_height = options.input_height;
        wanted.input_width = options.input_width;
        wanted.num_threads = options.num_threads;
        wanted.spin_us = detail::spin_us(options.spin);
        wanted.team = options.team == nullptr ? nullptr : options.team->get();
        wanted.batch = options.batch;
        wanted.input_format = options.input_format;
        wanted.cpus = options.cpus.data();
        wanted.num_cpus = options.cpus.size();
        wanted.log = options.log;
        wanted.log_user = options.log_user;
        wanted.allocator = options.allocator;
        wanted.timeout_us = detail::timeout_us(options.timeout);
        pf_session* session = nullptr;
        const pf_status code = pf_session_create(model.get(), &wanted, &session);
        if (code != PF_OK) return Error(code, pf_last_error());
        return Session(session, model.info().num_classes);
    }

    SessionInfo info() const noexcept {
        auto info = detail::sized<SessionInfo>();
        pf_session_get_info(get(), &info);
        return info;
    }

    // Name and shape of the output of block `tap`, of stage `stage`.
    Expected<TapInfo> tap_info(std::size_t tap) const { return shape(pf_session_tap_info, tap); }
    Expected<TapInfo> stage_info(std::size_t stage) const {
        return shape(pf_session_stage_info, stage);
    }

    // images: batch images of floats or bytes, as the session's input_format has them; logits:
    // [batch, num_classes]. Both are the caller's, may be unaligned and must not overlap; other
    // sizes are PF_INVALID_ARGUMENT.
    Status run(View<const float> images, View<float> logits, std::size_t batch = 1) {
        return run_logits(images, logits, batch);
    }
    Status run(View<const std::uint8_t> images, View<float> logits, std::size_t batch = 1) {
        return run_logits(images, logits, batch);
    }

    // After PF_CANCELLED or PF_DEADLINE_EXCEEDED the outputs hold nothing of use.
    Status run(const Run& run) {
        const std::size_t sizes = run.stage_map_floats.size();
        if (sizes != 0 && sizes != run.stage_maps.size()) {
            return detail::refuse("stage_map_floats: expected one for each of stage_maps");
        }
        auto wanted = detail::sized<pf_run>();
        wanted.batch = run.batch;
        wanted.input = run.input.data();
        wanted.input_bytes = run.input.size();
        wanted.logits = run.logits.data();
        wanted.num_logits = run.logits.size();
        wanted.probabilities = run.probabilities.data();
        wanted.num_probabilities = run.probabilities.size();
        wanted.features = run.features.data();
        wanted.num_features = run.features.size();
        wanted.stage_maps = run.stage_maps.data();
        wanted.num_stages = run.stage_maps.size();
        wanted.stage_map_floats = sizes == 0 ? nullptr : run.stage_map_floats.data();
        wanted.timeout_us = detail::timeout_us(run.timeout);
        return detail::status(pf_session_run_with(get(), &wanted));
    }

    // One image of floats; taps: one a block of the network, null or its [channels, height, width].
    Status run_tapped(View<const float> image, View<float> logits, View<float* const> taps) {
        const SessionInfo size = info();
        if (image.size() != 3 * size.input_height * size.input_width) {
            return detail::refuse("image: expected 3 * input_height * input_width floats");
        }
        if (logits.size() != num_classes_) return detail::refuse(kExpectedLogits);
        return detail::status(
            pf_session_run_tapped(get(), image.data(), logits.data(), taps.data(), taps.size()));
    }

    // Ends the run that goes on in another thread; signal handlers may call it, too.
    void cancel() noexcept { pf_session_cancel(get()); }

    pf_session* get() const noexcept { return handle_.get(); }

  private:
    static constexpr const char* kExpectedLogits = "logits: expected batch * num_classes floats";

    Session(pf_session* handle, std::size_t num_classes) noexcept
        : handle_(handle), num_classes_(num_classes) {}

    template <class Get>
    Expected<TapInfo> shape(const Get& get_info, std::size_t index) const {
        auto info = detail::sized<TapInfo>();
        const pf_status code = get_info(get(), index, &info);
        if (code != PF_OK) return Error(code, pf_last_error());
        return info;
    }

    Status run_logits(Bytes images, View<float> logits, std::size_t batch) {
        // Of an empty std::vector nothing would be wanted, else.
        if (logits.size() == 0) return detail::refuse(kExpectedLogits);
        if (batch == 0) return detail::refuse("batch: expected 1 or more");  // pf_run: 0 is 1
        Run wanted;
        wanted.batch = batch;
        wanted.input = images;
        wanted.logits = logits;
        return run(wanted);
    }

    detail::Owner<pf_session> handle_;
    std::size_t num_classes_;
};

}  // namespace poolformer
