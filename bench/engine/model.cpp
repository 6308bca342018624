// load, session, run: a whole model, from its folder to its logits.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/engine/model_run.hpp"
#include "bench/kernels/measure.hpp"
#include "engine/compile/compile.hpp"
#include "engine/compile/compiled_file.hpp"
#include "engine/run/cpu_budget.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::bench {
namespace {

// Times `make()`, a Result, again and again. The first one, which may find no file in the page
// cache, is not timed.
template <class Make>
void measure_making(benchmark::State& state, const Make& make) {
    const auto is_made = [&] {
        const auto made = make();
        if (!made) state.SkipWithError(made.error().message.c_str());
        return static_cast<bool>(made);
    };
    if (!is_made()) return;
    for (auto _ : state) {
        if (!is_made()) return;
    }
}

// Reading, checking and packing.
Result<Model> load(const kernels::KernelTable& table, const std::string& folder) {
    const auto loaded = load_model_folder(folder);
    if (!loaded) return loaded.error();
    return compile(*loaded, table);
}

void run(benchmark::State& state, const std::shared_ptr<const Model>& model,
         std::size_t num_threads) {
    ModelRun model_run(state, model, {.num_threads = num_threads, .spin = kSpin});
    if (!model_run.run()) return state.SkipWithError("a run failed");
    const auto num_cpus = static_cast<double>(std::min(num_threads, cpu_budget()));
    bool is_done = true;
    measure(state, *model->kernels,
            {.operations = 2.0 * static_cast<double>(model_run.macs()) / num_cpus},
            [&] { is_done &= model_run.run(); });
    if (!is_done) state.SkipWithError("a run failed");
}

// And teams that have too few CPUs.
std::vector<std::size_t> run_sizes() {
    std::vector<std::size_t> sizes = team_sizes();
    for (const std::size_t factor : {2, 4}) sizes.push_back(factor * cpu_budget());
    return sizes;
}

// The model as a compiled file, which may stay mapped when its name is gone.
Status add_compiled(const kernels::KernelTable& table, const Model& model,
                    const std::string& name) {
    static const test::TemporaryFolder folder;
    const std::string file = folder.path(name + "." + table.name);
    if (Status status = save_compiled_file(model, file); !status) return status;
    for (const WeightMemory memory : {WeightMemory::mapped, WeightMemory::copied}) {
        const std::string way = memory == WeightMemory::mapped ? "mapped" : "copied";
        add_benchmark("load_compiled", table, name + "/" + way, [=](benchmark::State& state) {
            measure_making(state, [&] { return load_compiled_file(file, {.memory = memory}); });
        });
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
    auto compiled = load(table, folder);
    if (!compiled) return compiled.error();
    const auto model = std::make_shared<const Model>(std::move(*compiled));
    const std::string& name = model->description.name;
    add_benchmark("load", table, name, [&table, folder](benchmark::State& state) {
        measure_making(state, [&] { return load(table, folder); });
    });
    add_benchmark("session", table, name, [model](benchmark::State& state) {
        measure_making(state, [&] { return Session::create(model, {}); });
    });
    add_overhead(table, folder, name);
    add_overrun(table, model);
    add_callers(table, model);
    if (Status status = add_compiled(table, *model, name); !status) return status;
    for (const std::size_t threads : run_sizes()) {
        add_benchmark("run", table, name + "/threads:" + std::to_string(threads),
                      [model, threads](benchmark::State& state) { run(state, model, threads); });
    }
    return {};
}

}  // namespace pf::bench
