// The C interface in tests: a small model on disk, loaded and opened.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <poolformer/poolformer.h>

#include <cstddef>
#include <string>

#include "tests/support/api_structs.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {

inline constexpr std::size_t kSide = 24;
inline constexpr std::size_t kClasses = 5;

inline pf_model_options model_options(const char* isa) {
    auto options = sized<pf_model_options>();
    options.isa = isa;
    return options;
}

inline pf_session_options session_options(std::size_t height, std::size_t width,
                                          std::size_t threads) {
    auto options = sized<pf_session_options>();
    options.input_height = height;
    options.input_width = width;
    options.num_threads = threads;
    return options;
}

// A model folder on disk.
struct Folder {
    TemporaryFolder folder;

    explicit Folder(bool has_labels = false) {
        Description description = tiny_description({.image_size = kSide, .classes = kClasses});
        if (has_labels) description.labels = {"a", "b", "c", "d", "e"};
        write_model(folder, description, hash_weights(description, 1));
    }
};

inline ModelHandle load(const std::string& path, const pf_model_options* options = nullptr) {
    pf_model* model = nullptr;
    REQUIRE_MESSAGE(pf_model_load(path.c_str(), options, &model) == PF_OK, pf_last_error());
    return ModelHandle(model);
}

inline ModelHandle load(const Folder& folder) {
    return load(folder.folder.path());
}

inline SessionHandle open(const pf_model* model, const pf_session_options* options = nullptr) {
    pf_session* session = nullptr;
    REQUIRE_MESSAGE(pf_session_create(model, options, &session) == PF_OK, pf_last_error());
    return SessionHandle(session);
}

inline void check_refused(pf_status found, pf_status expected, const std::string& part) {
    CHECK(found == expected);
    const std::string message = pf_last_error();
    INFO("message: ", message);
    INFO("must contain: ", part);
    CHECK(message.find(part) != std::string::npos);
}

inline void check_null(pf_status found, const std::string& name) {
    check_refused(found, PF_INVALID_ARGUMENT, name + " is NULL");
}

}  // namespace pf::test
