// The CPU budget: how many threads this process can really run at the same time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace pf {

// Where Linux tells of control groups; tests give their own folders.
struct CgroupPaths {
    std::string mount = "/sys/fs/cgroup";
    std::string membership = "/proc/self/cgroup";
};

// The smallest CPU quota, in whole CPUs rounded up, of this process's control group and of every
// group around it (cgroup v2 cpu.max, or v1 cpu.cfs_quota_us over cpu.cfs_period_us). Nothing if no
// group sets one. Files that cannot be read or understood set none.
std::optional<std::size_t> cgroup_cpu_limit(const CgroupPaths& paths = {});

// CPUs in the calling thread's affinity mask, which cpusets narrow, too; at least 1.
std::size_t affinity_cpus();

// min(affinity_cpus, cgroup_cpu_limit); at least 1.
std::size_t cpu_budget(const CgroupPaths& paths = {});

}  // namespace pf
