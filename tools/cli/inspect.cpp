// `poolformer inspect`: what a model is, and what it needs.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "engine/compile/choose_convolution.hpp"
#include "engine/compile/compiled_file.hpp"
#include "engine/compile/passes.hpp"
#include "engine/graph/graph.hpp"
#include "engine/load/weights.hpp"
#include "kernels/dispatch.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

constexpr const char* kFooter = R"(
Memory is what the weights and the activations of one session take, exactly; it is planned before the
first run and does not grow.

Examples:
  poolformer inspect models/poolformer_c10
  poolformer inspect MODEL --size 384x512 --threads 4

Exit codes:
  0  the model can run here
  1  the model could not be read, or cannot run here: then its graph is shown all the same
  2  the command line was wrong)";

std::string describe_stages(const Description& description) {
    std::string text;
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        const Stage& stage = description.stages[i];
        const PatchEmbedding& embedding = description.patch_embeddings[i];
        text += format(
            "stage %-8zu %zu blocks of %zu channels, MLP ratio %zu; embedding %zux%zu, "
            "stride %zu, padding %zu\n",
            i, stage.depth, stage.channels, stage.mlp.ratio, embedding.kernel, embedding.kernel,
            embedding.stride, embedding.padding);
    }
    return text;
}

std::string describe_labels(const Description& description) {
    std::string text;
    for (const std::string& label : description.labels) {
        if (text.size() > 60) return text + ", ...";
        text += (text.empty() ? "" : ", ") + without_controls(label);
    }
    return text.empty() ? "no labels" : text;
}

std::string describe(const Description& description) {
    const Input& input = description.input;
    const HeadOrder order = description.head.order;
    const char* head = order == HeadOrder::norm_pool ? "norm, mean, linear (paper, transformers)"
                                                     : "mean, norm, linear (timm)";
    std::string text;
    text += format("name           %s\n", without_controls(description.name).c_str());
    text += format("source         %s; %s\n", without_controls(description.dialect).c_str(),
                   without_controls(description.origin).c_str());
    text += format("input          %zux%zu, cropped (%s) after resizing the shorter side to %zu\n",
                   input.height, input.width, std::string(name_of(input.crop_rounding)).c_str(),
                   input.resize_shorter_side);
    text += format("normalisation  mean %g %g %g, std %g %g %g\n", input.mean[0], input.mean[1],
                   input.mean[2], input.std[0], input.std[1], input.std[2]);
    text += describe_stages(description);
    text += format("head           %s: %s\n", std::string(name_of(order)).c_str(), head);
    text += format("classes        %zu: %s\n", description.head.classes,
                   describe_labels(description).c_str());
    return text;
}

// Which kernel runs each stage's patch embedding.
std::string describe_convolutions(const Description& description) {
    std::string text;
    for (std::size_t stage = 0; stage < description.stages.size(); ++stage) {
        text += stage == 0 ? "" : ", ";
        text += convolution_kernel_name(choose_convolution(description, stage));
    }
    return "embeddings     " + text + "\n";
}

// What only the compiled model and a session know.
Result<std::string> describe_run(const Description& description, const RunnerOptions& options) {
    const auto runner = open_runner(options);
    if (!runner) return runner.error();
    const pf_session_info& session = runner->session_info;
    std::string text;
    text += format("MACs           %s per image of %zux%zu (convolutions and linears)\n",
                   with_commas(session.macs).c_str(), session.input_height, session.input_width);
    text +=
        "weights        " + bytes_text(runner->model_info.weight_bytes) + ", shared by sessions\n";
    text += format("activations    %s per session of %zu thread%s\n",
                   bytes_text(session.arena_bytes).c_str(), session.num_threads,
                   session.num_threads == 1 ? "" : "s");
    text += format("runs with      %s\n", runner->model_info.isa);
    text += describe_convolutions(description);
    return text;
}

std::string describe_instruction_sets() {
    std::string can, cannot;
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        std::string& list = kernels::cpu_can_run(*table) ? can : cannot;
        list += std::string(list.empty() ? "" : ", ") + table->name;
    }
    return "this CPU runs  " + can + "; cannot run: " + (cannot.empty() ? "none" : cannot) + "\n";
}

std::string describe_graph(const char* title, const Graph& graph) {
    return format("\n%s: %zu nodes\n", title, graph.nodes.size()) + to_string(graph);
}

// A compiled file's weights are packed: its graph is drawn with zeros in their place.
Result<LoadedModel> load_for_drawing(const std::string& path) {
    if (!is_file(path)) return load_model_folder(path);
    const auto model = load_compiled_file(path, {});
    if (!model) return model.error();
    auto zeros = Weights::zeros(model->description);
    if (!zeros) return zeros.error();
    return LoadedModel{model->description, std::move(*zeros)};
}

std::string describe_graphs(const LoadedModel& loaded) {
    auto graph = build_graph(loaded.description, loaded.weights);
    if (!graph) return "";
    const std::string before = describe_graph("graph", *graph);
    fuse(*graph);
    return before + describe_graph("graph after fusion", *graph);
}

// What the file says; the weights are gone when it returns.
struct Drawing {
    Description description;
    std::size_t num_parameters;
    std::string graphs;
};

Result<Drawing> draw(const std::string& path) {
    auto loaded = load_for_drawing(path);
    if (!loaded) return loaded.error();
    std::string graphs = describe_graphs(*loaded);
    return Drawing{std::move(loaded->description), loaded->weights.num_parameters(),
                   std::move(graphs)};
}

int run(const RunnerOptions& options) {
    const auto drawing = draw(options.model);
    if (!drawing) {
        print_error(drawing.error().message + model_hint(options.model, drawing.error()));
        return kFailure;
    }
    std::string text = describe(drawing->description);
    text += format("parameters     %s\n", with_commas(drawing->num_parameters).c_str());
    const auto run_text = describe_run(drawing->description, options);
    text += (run_text ? *run_text : "runs with      nothing; see the error\n");
    text += describe_instruction_sets() + drawing->graphs;
    std::fputs(text.c_str(), stdout);
    if (run_text) return kSuccess;
    print_error(run_text.error().message);
    return kFailure;
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<RunnerOptions>();
    CLI::App& command = add_command(app, "inspect", "Show what a model is and what it needs",
                                    kFooter, exit_code, [options] { return run(*options); });
    add_model_option(command, options->model);
    add_size_option(command, options->size);
    add_threads_option(command, options->num_threads);
}

}  // namespace pf::cli
