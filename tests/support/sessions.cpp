// Sessions of tiny networks, and the interpreter's answer to the same input.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sessions.hpp"

#include <stdexcept>

#include "engine/compile/choose_kernels.hpp"
#include "engine/graph/graph.hpp"

namespace pf::test {
namespace {

template <class T>
T demand(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

void demand(const Status& status) {
    if (!status) throw std::runtime_error(status.error().message);
}

}  // namespace

const kernels::KernelTable& chosen_kernels() {
    return *demand(choose_kernels(""));
}

std::shared_ptr<const Model> compile_model(const LoadedModel& loaded,
                                           const kernels::KernelTable& table) {
    return std::make_shared<const Model>(demand(compile(loaded, table)));
}

std::unique_ptr<Session> make_session(std::shared_ptr<const Model> model, std::size_t height,
                                      std::size_t width, std::size_t num_threads) {
    return make_session(std::move(model),
                        {.input_height = height, .input_width = width, .num_threads = num_threads});
}

std::unique_ptr<Session> make_session(std::shared_ptr<const Model> model,
                                      const SessionOptions& options) {
    return demand(Session::create(std::move(model), options));
}

Interpretation interpret_model(const LoadedModel& loaded, const std::vector<float>& image,
                               std::size_t height, std::size_t width) {
    const Graph graph = demand(build_graph(loaded.description, loaded.weights));
    return demand(interpret(graph, {3, height, width, {image.begin(), image.end()}}));
}

std::vector<float> run(Session& session, const std::vector<float>& images, std::size_t batch) {
    std::vector<float> logits(batch * session.model().description.head.classes);
    demand(session.run(images.data(), batch, logits.data()));
    return logits;
}

Tapped run_tapped(Session& session, const std::vector<float>& image) {
    const std::size_t num_taps = session.model().taps.size();
    std::vector<std::vector<float>> values(num_taps);
    std::vector<float*> destinations(num_taps);
    Tapped result;
    result.logits.resize(session.model().description.head.classes);
    for (std::size_t i = 0; i < num_taps; ++i) {
        const MapPlan& shape = session.tap_shape(i);
        values[i].resize(shape.channels * shape.pixels());
        destinations[i] = values[i].data();
        result.taps.push_back({shape.channels, shape.height, shape.width, {}});
    }
    demand(
        session.run({.input = image.data(), .logits = result.logits.data(), .taps = destinations}));
    for (std::size_t i = 0; i < num_taps; ++i) {
        result.taps[i].data.assign(values[i].begin(), values[i].end());
    }
    return result;
}

std::size_t count_roundings(const Description& description) {
    constexpr std::size_t kTokenMixer = 20;  // the window, the norm and the residual
    std::size_t roundings = 0;
    std::size_t channels = 3;
    for (std::size_t i = 0; i < description.stages.size(); ++i) {
        const Stage& stage = description.stages[i];
        const std::size_t kernel = description.patch_embeddings[i].kernel;
        roundings += channels * kernel * kernel + 1;
        channels = stage.channels;
        const std::size_t mlp = channels * (1 + stage.mlp.ratio) + kTokenMixer;
        roundings += stage.depth * (mlp + kTokenMixer);
    }
    return roundings + channels + kTokenMixer;
}

}  // namespace pf::test
