// A seccomp filter that stops a process at system calls it should not make.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pf::test {

// From now on, on all threads of this process, any system call but exit ends the process with
// kForbiddenCall, after its number was written to standard error. False if the kernel does not
// offer filters.
bool forbid_system_calls();

inline constexpr int kForbiddenCall = 99;

}  // namespace pf::test
