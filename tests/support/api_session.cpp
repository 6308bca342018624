// ApiSession: a model and a session through the C API, for tests that stand where a user stands.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/api_session.hpp"

#include <stdexcept>

#include "kernels/dispatch.hpp"

namespace pf::test {
namespace {

void demand(pf_status status) {
    if (status != PF_OK) throw std::runtime_error(pf_last_error());
}

}  // namespace

std::vector<std::string> runnable_isas() {
    std::vector<std::string> names;
    for (const kernels::KernelTable* table : kernels::runnable_tables()) {
        names.emplace_back(table->name);
    }
    return names;
}

ApiSession::ApiSession(const std::string& folder, const std::string& isa, std::size_t height,
                       std::size_t width, std::size_t num_threads) {
    auto model_options = sized<pf_model_options>();
    model_options.isa = isa.c_str();
    pf_model* model = nullptr;
    demand(pf_model_load(folder.c_str(), &model_options, &model));
    model_.reset(model);

    auto session_options = sized<pf_session_options>();
    session_options.input_height = height;
    session_options.input_width = width;
    session_options.num_threads = num_threads;
    pf_session* session = nullptr;
    demand(pf_session_create(model, &session_options, &session));
    session_.reset(session);

    auto model_info = sized<pf_model_info>();
    demand(pf_model_get_info(model, &model_info));
    num_classes_ = model_info.num_classes;
    auto session_info = sized<pf_session_info>();
    demand(pf_session_get_info(session, &session_info));
    num_taps_ = session_info.num_taps;
}

std::vector<float> ApiSession::run(const std::vector<float>& input, std::size_t batch) {
    std::vector<float> logits(batch * num_classes_);
    demand(pf_session_run(session_.get(), input.data(), batch, logits.data()));
    return logits;
}

TappedRun ApiSession::run_tapped(const std::vector<float>& input) {
    TappedRun result;
    result.logits.resize(num_classes_);
    std::vector<std::vector<float>> values(num_taps_);
    std::vector<float*> destinations(num_taps_);
    for (std::size_t i = 0; i < num_taps_; ++i) {
        auto info = sized<pf_tap_info>();
        demand(pf_session_tap_info(session_.get(), i, &info));
        result.names.emplace_back(info.name);
        result.taps.push_back({info.channels, info.height, info.width, {}});
        values[i].resize(info.channels * info.height * info.width);
        destinations[i] = values[i].data();
    }
    demand(pf_session_run_tapped(session_.get(), input.data(), result.logits.data(),
                                 destinations.data(), num_taps_));
    for (std::size_t i = 0; i < num_taps_; ++i) {
        result.taps[i].data.assign(values[i].begin(), values[i].end());
    }
    return result;
}

}  // namespace pf::test
