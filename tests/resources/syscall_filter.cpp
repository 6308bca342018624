// A seccomp filter that stops a process at system calls it should not make.
// SPDX-License-Identifier: Apache-2.0
#include "tests/resources/syscall_filter.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>

namespace pf::test {
namespace {

// A sixth argument that lets a call pass. write() has three and ignores it.
constexpr long kPass = 0x70661234;

// Runs where a call was stopped.
void on_stopped_call(int, siginfo_t* info, void*) {
    char text[64];
    const int length =
        std::snprintf(text, sizeof text, "forbidden system call %d\n", info->si_syscall);
    syscall(SYS_write, STDERR_FILENO, text, length, 0, 0, kPass);
    _exit(kForbiddenCall);
}

constexpr sock_filter load(size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}
constexpr sock_filter skip_unless(long value, unsigned char count) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(value), 0, count);
}
constexpr sock_filter give(unsigned action) {
    return BPF_STMT(BPF_RET | BPF_K, action);
}

}  // namespace

bool forbid_system_calls() {
    struct sigaction action = {};
    action.sa_sigaction = on_stopped_call;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);

    sock_filter code[] = {
        load(offsetof(seccomp_data, args[5])),
        skip_unless(kPass, 1),
        give(SECCOMP_RET_ALLOW),
        load(offsetof(seccomp_data, nr)),
        skip_unless(SYS_exit_group, 1),
        give(SECCOMP_RET_ALLOW),
        give(SECCOMP_RET_TRAP),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

}  // namespace pf::test
