// load, session, run: a whole model, from its folder to its logits.
// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/kernels/buffers.hpp"
#include "bench/kernels/measure.hpp"
#include "engine/compile/compile.hpp"
#include "engine/compile/compiled_file.hpp"
#include "engine/run/session.hpp"
#include "kernels/dispatch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::bench {
namespace {

constexpr std::chrono::microseconds kSpin{1000};

// Reading, checking and packing, the file being in the page cache.
void load(benchmark::State& state, const kernels::KernelTable& table, const std::string& folder) {
    for (auto _ : state) {
        const auto loaded = load_model_folder(folder);
        if (!loaded) return state.SkipWithError(loaded.error().message.c_str());
        const auto model = compile(*loaded, table);
        if (!model) return state.SkipWithError(model.error().message.c_str());
    }
}

// Mapping, or copying, a compiled file in the page cache.
void load_compiled(benchmark::State& state, const std::string& file, WeightMemory memory) {
    for (auto _ : state) {
        const auto model = load_compiled_file(file, {.memory = memory});
        if (!model) return state.SkipWithError(model.error().message.c_str());
    }
}

void create_session(benchmark::State& state, const std::shared_ptr<const Model>& model) {
    for (auto _ : state) {
        const auto session = Session::create(model, {});
        if (!session) return state.SkipWithError(session.error().message.c_str());
    }
}

void run(benchmark::State& state, const std::shared_ptr<const Model>& model,
         std::size_t num_threads) {
    const auto session = Session::create(model, {.num_threads = num_threads, .spin = kSpin});
    if (!session) return state.SkipWithError(session.error().message.c_str());
    const SessionPlan& plan = (*session)->plan();
    const AlignedBuffer image = random_floats(3 * plan.input_height * plan.input_width);
    std::vector<float> logits(model->description.head.classes);
    const Work work{.operations =
                        2.0 * static_cast<double>(plan.macs) / static_cast<double>(num_threads)};
    bool is_done = true;
    measure(state, *model->kernels, work,
            [&] { is_done &= static_cast<bool>((*session)->run(image.data(), 1, logits.data())); });
    if (!is_done) state.SkipWithError("a run failed");
}

// The model as a compiled file, which may stay mapped when its name is gone.
Status add_compiled(const kernels::KernelTable& table, const Model& model,
                    const std::string& name) {
    static const test::TemporaryFolder folder;
    const std::string file = folder.path(name + "." + table.name);
    if (Status status = save_compiled_file(model, file); !status) return status;
    for (const WeightMemory memory : {WeightMemory::mapped, WeightMemory::copied}) {
        const std::string way = memory == WeightMemory::mapped ? "mapped" : "copied";
        add_benchmark("load_compiled", table, name + "/" + way,
                      [=](benchmark::State& state) { load_compiled(state, file, memory); });
        auto loaded = load_compiled_file(file, {.memory = memory});
        if (!loaded) return loaded.error();
        const auto shared = std::make_shared<const Model>(std::move(*loaded));
        add_benchmark("run_compiled", table, name + "/" + way,
                      [shared](benchmark::State& state) { run(state, shared, 1); });
    }
    return {};
}

}  // namespace

Status add_model(const kernels::KernelTable& table, const std::string& folder) {
    const auto loaded = load_model_folder(folder);
    if (!loaded) return loaded.error();
    auto compiled = compile(*loaded, table);
    if (!compiled) return compiled.error();
    const auto model = std::make_shared<const Model>(std::move(*compiled));
    const std::string& name = model->description.name;
    add_benchmark("load", table, name,
                  [&table, folder](benchmark::State& state) { load(state, table, folder); });
    add_benchmark("session", table, name,
                  [model](benchmark::State& state) { create_session(state, model); });
    add_overhead(table, folder, name);
    add_overrun(table, model);
    add_callers(table, model);
    if (Status status = add_compiled(table, *model, name); !status) return status;
    for (const std::size_t threads : team_sizes()) {
        add_benchmark("run", table, name + "/threads:" + std::to_string(threads),
                      [model, threads](benchmark::State& state) { run(state, model, threads); });
    }
    return {};
}

}  // namespace pf::bench
