// The parts of `poolformer classify`: one image's answer, and how answers are written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "tools/cli/predictions.hpp"
#include "tools/cli/runner.hpp"

namespace pf::cli {

struct Classification {
    std::vector<Prediction> top;
    double preprocess_ms = 0;  // resize, crop, normalise; without reading and decoding the file
    double run_ms = 0;
};

// Classifies files one after another; its buffers are made once.
class Classifier {
  public:
    // Runs the network once, so that the first image's latency is like the others'.
    static Result<Classifier> create(const RunnerOptions& options, std::size_t top);

    Result<Classification> classify(const std::string& file);
    std::string label(std::size_t class_index) const;  // "class 7" where the model has no labels
    const Runner& runner() const { return runner_; }

  private:
    Classifier(Runner runner, std::size_t top);
    pf_status run();

    Runner runner_;
    std::size_t top_;
    std::vector<float> input_;
    std::vector<float> probabilities_;
};

// Text for people.
std::string to_text(const Classifier& classifier, const std::string& file,
                    const Classification& result);

// One line of JSON without the line break.
std::string to_json(const Classifier& classifier, const std::string& file,
                    const Classification& result);
std::string error_json(const std::string& file, const std::string& message);

// "latency 1.23 ms (pre-processing 0.45 ms), avx2, 2 threads, ...": medians over all results.
std::string summary(const Classifier& classifier, const std::vector<double>& run_ms,
                    const std::vector<double>& preprocess_ms);

}  // namespace pf::cli
