// The benchmarks of the engine: teams of threads, input formats, and whole models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"
#include "kernels/kernels.hpp"

namespace pf::bench {

// 1, 2, 4, ... threads, and as many as the process can really run at the same time.
std::vector<std::size_t> team_sizes();

void add_thread_team();
void add_convert_input();

// Loading, planning and running the model in `folder`, if it can be loaded.
Status add_model(const kernels::KernelTable& table, const std::string& folder);

// What a run of that model spends outside the kernels.
void add_overhead(const kernels::KernelTable& table, const std::string& folder,
                  const std::string& name);

// Its throughput with as many callers as CPUs: sessions of one thread, of a team each, of one team.
void add_callers(const kernels::KernelTable& table, const std::shared_ptr<const Model>& model);

// How late its runs come back after a timeout.
void add_overrun(const kernels::KernelTable& table, const std::shared_ptr<const Model>& model);

}  // namespace pf::bench
