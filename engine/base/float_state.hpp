// FloatState: one floating-point state for everything the engine computes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xmmintrin.h>

namespace pf {

// While it lives, this thread rounds to nearest, raises no exceptions, and treats subnormal numbers
// as zero (they are below 1e-38, and slow); then the caller's state returns. Without it results
// would depend on what the host process left in the register.
class FloatState {
  public:
    FloatState() : before_(_mm_getcsr()) {
        _mm_setcsr(kMaskExceptions | kFlushToZero | kDenormalsAreZero);
    }
    ~FloatState() { _mm_setcsr(before_); }
    FloatState(const FloatState&) = delete;
    FloatState& operator=(const FloatState&) = delete;

  private:
    static constexpr unsigned kMaskExceptions = 0x1f80;
    static constexpr unsigned kFlushToZero = 0x8000;
    static constexpr unsigned kDenormalsAreZero = 0x0040;
    unsigned before_;
};

}  // namespace pf
