// pf_bench: every kernel, on every instruction set this CPU can run, at the models' real shapes;
// teams of threads; and whole models.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine/benchmarks.hpp"
#include "bench/kernels/benchmarks.hpp"
#include "kernels/dispatch.hpp"

namespace {

// Takes "--model=FOLDER" out of the arguments, as often as it occurs.
std::vector<std::string> take_models(int& argc, char** argv) {
    constexpr std::string_view kOption = "--model=";
    std::vector<std::string> folders;
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument.substr(0, kOption.size()) == kOption) {
            folders.emplace_back(argument.substr(kOption.size()));
        } else {
            argv[kept++] = argv[i];
        }
    }
    argc = kept;
    return folders;
}

void add_kernels(const pf::kernels::KernelTable& table) {
    pf::bench::add_fma_probe(table);
    pf::bench::add_convolutions(table);
    pf::bench::add_pool_mix(table);
    pf::bench::add_copy_map(table);
    pf::bench::add_map_statistics(table);
    pf::bench::add_channel_mlp(table);
    pf::bench::add_channel_means(table);
    pf::bench::add_linear(table);
    pf::bench::add_add_partials(table);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> folders = take_models(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const pf::kernels::KernelTable* table : pf::kernels::runnable_tables()) {
        add_kernels(*table);
        for (const std::string& folder : folders) {
            const pf::Status status = pf::bench::add_model(*table, folder);
            if (status) continue;
            std::fprintf(stderr, "error: %s\n", status.error().message.c_str());
            return 1;
        }
    }
    pf::bench::add_convert_input();
    pf::bench::add_thread_team();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
