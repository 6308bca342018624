// How `poolformer classify` writes its answers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/cli/classify.hpp"
#include "tools/cli/latency.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

// File names and labels need not be UTF-8; JSON must be.
std::string dump(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string to_text(const Classifier& classifier, const std::string& file,
                    const Classification& result) {
    std::vector<std::string> labels;
    std::size_t width = 0;
    for (const Prediction& prediction : result.top) {
        labels.push_back(without_controls(classifier.label(prediction.class_index)));
        width = std::max(width, labels.back().size());
    }
    std::string text = without_controls(file) + "\n";
    for (std::size_t i = 0; i < labels.size(); ++i) {
        text += format("  %-*s  %6.2f %%\n", static_cast<int>(width), labels[i].c_str(),
                       100 * result.top[i].probability);
    }
    return text;
}

std::string to_json(const Classifier& classifier, const std::string& file,
                    const Classification& result) {
    const Runner& runner = classifier.runner();
    nlohmann::ordered_json top = nlohmann::ordered_json::array();
    for (const Prediction& prediction : result.top) {
        top.push_back({{"class", prediction.class_index},
                       {"label", classifier.label(prediction.class_index)},
                       {"probability", prediction.probability}});
    }
    return dump({{"file", file},
                 {"top", top},
                 {"run_ms", result.run_ms},
                 {"preprocess_ms", result.preprocess_ms},
                 {"model", runner.model_info.name},
                 {"isa", runner.model_info.isa},
                 {"threads", runner.session_info.num_threads}});
}

std::string error_json(const std::string& file, const std::string& message) {
    return dump({{"file", file}, {"error", message}});
}

std::string summary(const Classifier& classifier, const std::vector<double>& run_ms,
                    const std::vector<double>& preprocess_ms) {
    const Runner& runner = classifier.runner();
    const std::size_t threads = runner.session_info.num_threads;
    const std::string medians =
        run_ms.size() > 1 ? ", medians of " + with_commas(run_ms.size()) + " images" : "";
    return format("latency %.2f ms (pre-processing %.2f ms)%s; %s, %zu thread%s, %s at %zux%zu\n",
                  median(run_ms), median(preprocess_ms), medians.c_str(), runner.model_info.isa,
                  threads, threads == 1 ? "" : "s", runner.model_info.name,
                  runner.session_info.input_height, runner.session_info.input_width);
}

}  // namespace pf::cli
