// Keeps the end of a process away from threads that are inside oneDNN.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace pf::kernels {

// `exit` destroys oneDNN's static objects while other threads go on: one that is making a primitive
// then crashes the process. Such threads enter a gate, which exit closes first. Any thread may call
// any of it; it needs no destructor, so it is usable to the end.
class ExitGate {
  public:
    // False if the gate is closed; else leave() must follow.
    [[nodiscard]] bool enter() noexcept;
    void leave() noexcept;

    // Lets nobody enter any more, and waits until those inside have left. A second at most: one of
    // them may be the caller, interrupted by a signal, or a thread that a forked child does not
    // have.
    void close() noexcept;

  private:
    std::atomic<bool> is_closed_{false};
    std::atomic<int> num_inside_{0};
};

}  // namespace pf::kernels
