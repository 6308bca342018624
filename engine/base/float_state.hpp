// FloatState: one floating-point state for everything the engine computes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xmmintrin.h>

#include <cstdint>

namespace pf {

enum class Subnormals { kept, flushed };

// While it lives, this thread rounds to nearest, raises no exceptions, and keeps subnormal numbers
// or treats them as zero (they are below 1e-38, and slow); then the caller's state returns. Without
// it results would depend on what the host process left in the registers: SSE's, which computes,
// and the x87's, which strtod looks at, too.
class FloatState {
  public:
    explicit FloatState(Subnormals subnormals) : before_(_mm_getcsr()), x87_before_(x87_control()) {
        set_x87_control(x87_before_ & ~kX87Rounding);
        const bool flushes = subnormals == Subnormals::flushed;
        _mm_setcsr(kMaskExceptions | (flushes ? kFlushToZero | kDenormalsAreZero : 0));
    }
    ~FloatState() {
        set_x87_control(x87_before_);
        _mm_setcsr(before_);
    }
    FloatState(const FloatState&) = delete;
    FloatState& operator=(const FloatState&) = delete;

  private:
    static constexpr unsigned kMaskExceptions = 0x1f80;
    static constexpr unsigned kFlushToZero = 0x8000;
    static constexpr unsigned kDenormalsAreZero = 0x0040;
    static constexpr unsigned kX87Rounding = 0x0c00;  // the field; 0: to nearest

    // Not std::fesetround, whose code a run would have to fetch from far away.
    static std::uint16_t x87_control() {
        std::uint16_t control;
        __asm__ volatile("fnstcw %0" : "=m"(control));
        return control;
    }
    static void set_x87_control(unsigned control) {
        const auto value = static_cast<std::uint16_t>(control);
        __asm__ volatile("fldcw %0" : : "m"(value));
    }

    unsigned before_;
    std::uint16_t x87_before_;
};

}  // namespace pf
