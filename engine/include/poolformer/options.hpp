// What poolformer.hpp asks and tells: options of models, teams, sessions and runs.
// SPDX-License-Identifier: Apache-2.0
//
// Each is the struct of poolformer.h that its comment names, with the same fields and defaults.
#pragma once

#include <poolformer/poolformer.h>
#include <poolformer/vocabulary.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace poolformer {

// Facts are the C structs; the names in them are valid as long as the model or session.
using ModelInfo = pf_model_info;
using SessionInfo = pf_session_info;
using TapInfo = pf_tap_info;

// pf_model_options.
struct ModelOptions {
    // "sse4_1", "avx2", "avx512"; null: $PF_ISA, else the CPU's best or a compiled file's own
    const char* isa = nullptr;
    pf_log_function log = nullptr;  // must not throw
    void* log_user = nullptr;
    const pf_allocator* allocator = nullptr;  // copied
    bool copy_weights = false;                // of compiled files: not mapped
};

// pf_team_options.
struct TeamOptions {
    std::size_t num_threads = 1;        // the caller of a run is one of them
    std::chrono::microseconds spin{0};  // how long an idle worker spins before it sleeps
    View<const int> cpus;               // where worker i may run; copied
};

class Team;

// pf_session_options.
struct SessionOptions {
    std::size_t input_height = 0;  // pixels; 0: the description's
    std::size_t input_width = 0;
    std::size_t num_threads = 1;  // the caller is one of them
    std::chrono::microseconds spin{0};
    const Team* team = nullptr;  // shared, instead of num_threads, spin and cpus; kept alive
    std::size_t batch = 1;       // to plan for; any other runs, too
    pf_input_format input_format = PF_INPUT_NCHW_F32;
    View<const int> cpus;
    pf_log_function log = nullptr;
    void* log_user = nullptr;
    const pf_allocator* allocator = nullptr;
    std::optional<std::chrono::microseconds> timeout;  // of every run that sets none itself
};

// pf_run: an output whose view has no data is not wanted. Sizes must be exact; they are checked.
struct Run {
    std::size_t batch = 1;
    Bytes input;                    // batch images in the session's input_format
    View<float> logits;             // [batch, num_classes]
    View<float> probabilities;      // [batch, num_classes]
    View<float> features;           // [batch, num_features]
    View<float* const> stage_maps;  // one a stage: null, or [batch, channels, height, width]
    View<const std::size_t> stage_map_floats;  // how many each has room for; none: not checked
    // The run gives up after so much time, at once if there is none left; not set: the session's.
    std::optional<std::chrono::microseconds> timeout;
};

namespace detail {

inline std::uint32_t spin_us(std::chrono::microseconds spin) noexcept {
    return static_cast<std::uint32_t>(
        std::clamp<std::chrono::microseconds::rep>(spin.count(), 0, UINT32_MAX));
}

// In C 0 means none, so no time left is the shortest there is.
inline std::uint64_t timeout_us(std::optional<std::chrono::microseconds> timeout) noexcept {
    if (!timeout) return 0;
    return static_cast<std::uint64_t>(
        std::max<std::chrono::microseconds::rep>(timeout->count(), 1));
}

}  // namespace detail

}  // namespace poolformer
