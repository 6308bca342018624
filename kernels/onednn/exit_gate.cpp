// Keeps the end of a process away from threads that are inside oneDNN.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/onednn/exit_gate.hpp"

#include <time.h>

namespace pf::kernels {

// Both sides write first and look at the other's word then, all in one order: of a thread that
// enters while the gate closes, at least one of the two knows.
bool ExitGate::enter() noexcept {
    ++num_inside_;
    if (!is_closed_) return true;
    leave();
    return false;
}

void ExitGate::leave() noexcept {
    --num_inside_;
}

void ExitGate::close() noexcept {
    is_closed_ = true;
    constexpr timespec kMillisecond{0, 1'000'000};
    for (int waited = 0; num_inside_ > 0 && waited < 1000; ++waited) {
        nanosleep(&kMillisecond, nullptr);
    }
}

}  // namespace pf::kernels
