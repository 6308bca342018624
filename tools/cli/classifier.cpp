// Classifier: file in, likeliest classes out, through the public C API.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "tools/cli/classify.hpp"
#include "tools/cli/decode.hpp"
#include "tools/cli/latency.hpp"

namespace pf::cli {

Classifier::Classifier(Runner runner, std::size_t top)
    : runner_(std::move(runner)),
      top_(top),
      input_(runner_.input_floats()),
      probabilities_(runner_.model_info.num_classes) {}

Result<Classifier> Classifier::create(const RunnerOptions& options, std::size_t top) {
    auto runner = open_runner(options);
    if (!runner) return runner.error();
    Classifier classifier(std::move(*runner), top);
    const pf_status status = classifier.run();
    if (status != PF_OK) return last_error(status);
    return classifier;
}

pf_status Classifier::run() {
    pf_run run{};
    run.struct_size = sizeof run;
    run.input = input_.data();
    run.input_bytes = input_.size() * sizeof(float);
    run.probabilities = probabilities_.data();
    run.num_probabilities = probabilities_.size();
    return pf_session_run_with(runner_.session.get(), &run);
}

Result<Classification> Classifier::classify(const std::string& file) {
    const auto image = load_image(file);
    if (!image) return image.error();

    Classification result;
    const Stopwatch preprocess_watch;
    const ImageView view = image->view();
    pf_status status = pf_preprocess(runner_.model.get(), view.rgb, view.height, view.width,
                                     view.row_stride, input_.data());
    result.preprocess_ms = preprocess_watch.elapsed_ms();
    if (status == PF_OK) {
        const Stopwatch run_watch;
        status = run();
        result.run_ms = run_watch.elapsed_ms();
    }
    if (status != PF_OK)
        return Error{static_cast<ErrorCode>(status), file + ": " + pf_last_error()};
    result.top = top_predictions(probabilities_, top_);
    return result;
}

std::string Classifier::label(std::size_t class_index) const {
    const char* label = pf_model_label(runner_.model.get(), class_index);
    return label != nullptr ? label : "class " + std::to_string(class_index);
}

}  // namespace pf::cli
