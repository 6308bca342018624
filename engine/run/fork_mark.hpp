// ForkMark: tells whether this process is a child that was forked off since.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pf {

// A page the kernel wipes in a forked child (MADV_WIPEONFORK, Linux 4.14): looking at it costs a
// read, where asking for the process number would cost a system call at every run.
class ForkMark {
  public:
    ForkMark();
    ~ForkMark();
    ForkMark(const ForkMark&) = delete;
    ForkMark& operator=(const ForkMark&) = delete;

    // Whether fork() lies between the making of this object and now. Without such a page (an old
    // kernel, no memory) the process number is asked for.
    bool is_forked_child() const;

  private:
    volatile unsigned char* page_ = nullptr;
    int process_;
};

}  // namespace pf
