// The benchmarks of the engine: teams of threads, and whole models.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <string>

#include "engine/base/result.hpp"
#include "kernels/kernels.hpp"

namespace pf::bench {

void add_thread_team();

// Loading, planning and running the model in `folder`, if it can be loaded.
Status add_model(const kernels::KernelTable& table, const std::string& folder);

}  // namespace pf::bench
