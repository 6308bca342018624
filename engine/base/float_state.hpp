// FloatState: one floating-point state for everything the engine computes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xmmintrin.h>

#include <cfenv>

namespace pf {

enum class Subnormals { kept, flushed };

// While it lives, this thread rounds to nearest, raises no exceptions, and keeps subnormal numbers
// or treats them as zero (they are below 1e-38, and slow); then the caller's state returns. Without
// it results would depend on what the host process left in the registers: SSE's, which computes,
// and the x87's, which strtod looks at, too.
class FloatState {
  public:
    explicit FloatState(Subnormals subnormals)
        : before_(_mm_getcsr()), rounding_before_(std::fegetround()) {
        std::fesetround(FE_TONEAREST);
        const bool flushes = subnormals == Subnormals::flushed;
        _mm_setcsr(kMaskExceptions | (flushes ? kFlushToZero | kDenormalsAreZero : 0));
    }
    ~FloatState() {
        std::fesetround(rounding_before_);
        _mm_setcsr(before_);
    }
    FloatState(const FloatState&) = delete;
    FloatState& operator=(const FloatState&) = delete;

  private:
    static constexpr unsigned kMaskExceptions = 0x1f80;
    static constexpr unsigned kFlushToZero = 0x8000;
    static constexpr unsigned kDenormalsAreZero = 0x0040;
    unsigned before_;
    int rounding_before_;
};

}  // namespace pf
