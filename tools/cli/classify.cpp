// `poolformer classify`: what is on the images.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/classify.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <system_error>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr const char* kFooter = R"(
Images are JPEG or PNG files; their type is found from their content. EXIF orientation is applied,
transparency is dropped. The model.json says how an image is resized, cropped and normalised.
Latency is one run of the network, after one run to warm up; reading files is not part of it.

Examples:
  poolformer classify models/poolformer_c10 models/photos/chelsea.png
  poolformer classify models/poolformer_c10 *.jpg --top 3 --threads 1
  find photos -name '*.jpg' | poolformer classify MODEL --images-from - --json

Exit codes:
  0  every image was classified
  1  the model or an image could not be processed; the other images were
  2  the command line was wrong)";

struct Options {
    RunnerOptions runner;
    std::vector<std::string> images;
    std::string list_file;
    std::size_t top = 5;
    bool writes_json = false;
};

void read_lines(std::istream& stream, std::vector<std::string>& lines) {
    for (std::string line; std::getline(stream, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) lines.push_back(line);
    }
}

Status add_listed_images(const std::string& list_file, std::vector<std::string>& images) {
    if (list_file.empty()) return {};
    if (list_file == "-") {
        read_lines(std::cin, images);
        return {};
    }
    std::ifstream stream(list_file);
    if (stream) read_lines(stream, images);
    if (stream.is_open() && !stream.bad()) return {};
    return Error{ErrorCode::file_error, list_file + ": cannot read the list of images: " +
                                            std::generic_category().message(errno)};
}

// Classifies all images; true if each one could be.
bool classify_all(Classifier& classifier, const Options& options) {
    std::vector<double> run_ms, preprocess_ms;
    Progress progress(options.images.size());
    std::size_t num_done = 0;
    for (const std::string& file : options.images) {
        progress.show(num_done++);
        const auto result = classifier.classify(file);
        progress.clear();
        if (!result) {
            print_error(result.error().message);
            if (options.writes_json) std::puts(error_json(file, result.error().message).c_str());
            continue;
        }
        run_ms.push_back(result->run_ms);
        preprocess_ms.push_back(result->preprocess_ms);
        if (options.writes_json) {
            std::puts(to_json(classifier, file, *result).c_str());
        } else {
            std::fputs(to_text(classifier, file, *result).c_str(), stdout);
        }
    }
    if (!options.writes_json && !run_ms.empty()) {
        std::fputs(summary(classifier, run_ms, preprocess_ms).c_str(), stdout);
    }
    const std::size_t num_failed = options.images.size() - run_ms.size();
    if (num_failed > 0 && options.images.size() > 1) {
        print_error(with_commas(num_failed) + " of " + with_commas(options.images.size()) +
                    " images could not be classified");
    }
    return num_failed == 0;
}

int run(Options& options) {
    if (Status status = add_listed_images(options.list_file, options.images); !status) {
        print_error(status.error().message);
        return kFailure;
    }
    if (options.images.empty()) {
        print_error("there are no images to classify; name some, or see 'classify --help'");
        return kUsageError;
    }
    auto classifier = Classifier::create(options.runner, options.top);
    if (!classifier) {
        print_error(classifier.error().message);
        return kFailure;
    }
    return classify_all(*classifier, options) ? kSuccess : kFailure;
}

}  // namespace

void add_classify(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App& command = add_command(app, "classify", "Say what is on the images", kFooter,
                                    exit_code, [options] { return run(*options); });
    add_model_option(command, options->runner.model);
    add_list_option(command, "IMAGE", options->images, "JPEG or PNG files");
    add_text_option(command, "--images-from", options->list_file, "FILE",
                    "File with one image per line; - is standard input");
    add_count_option(command, "--top", options->top, 65536,
                     "How many classes to show (default: 5)");
    add_threads_option(command, options->runner.num_threads);
    add_flag(command, "--json", options->writes_json, "Write one line of JSON per image");
}

}  // namespace pf::cli
