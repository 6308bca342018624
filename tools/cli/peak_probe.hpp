// PeakProbe: how many floating-point operations per second the CPU does at most, right now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"

namespace pf::cli {

// Runs the kernel table's multiply-add probe on all threads at the same time. Clock and neighbours
// change the answer, so it is asked again between the runs that it is compared with. On a shared
// host something else may slow a probe down: of two around a run, the larger one is the peak.
class PeakProbe {
  public:
    // More threads than the process may use CPUs would take turns, and seem faster than they are.
    PeakProbe(const kernels::KernelTable& table, std::size_t num_threads);

    // GFLOP/s of all threads together; takes about 10 ms.
    double measure() const;

  private:
    const kernels::KernelTable& table_;
    std::size_t num_threads_;
    std::size_t iterations_ = 1000;
};

}  // namespace pf::cli
