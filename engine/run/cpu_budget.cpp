// The CPU budget from the affinity mask and the quotas of control groups, versions 1 and 2.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/cpu_budget.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <thread>

namespace pf {
namespace {

using Limit = std::optional<std::size_t>;

Limit smaller(Limit a, Limit b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

Limit whole_cpus(std::int64_t quota, std::int64_t period) {
    if (quota <= 0 || period <= 0) return {};  // v1 writes -1 for "no limit"
    return static_cast<std::size_t>((quota - 1) / period + 1);
}

// cpu.max holds "max 100000" or "150000 100000".
Limit read_v2(const std::string& folder) {
    std::int64_t quota = 0, period = 0;
    std::ifstream file(folder + "/cpu.max");
    return file >> quota >> period ? whole_cpus(quota, period) : Limit{};
}

Limit read_v1(const std::string& folder) {
    std::int64_t quota = 0, period = 0;
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    return quota_file >> quota && period_file >> period ? whole_cpus(quota, period) : Limit{};
}

// `group` such as "/a/b": reads mount/a/b, mount/a and mount. Inside a container the group may be
// named as the host sees it and its folder be missing; the mount itself is then the right one.
Limit smallest_of_ancestors(const std::string& mount, std::string group,
                            Limit (*read)(const std::string&)) {
    Limit limit = read(mount);
    while (!group.empty() && group != "/") {
        limit = smaller(limit, read(mount + group));
        group.erase(group.rfind('/'));
    }
    return limit;
}

bool lists_cpu(const std::string& controllers) {
    std::istringstream stream(controllers);
    for (std::string name; std::getline(stream, name, ',');) {
        if (name == "cpu") return true;
    }
    return false;
}

// One line of /proc/self/cgroup, "number:controllers:/group"; version 2 lists no controllers.
Limit read_line(const std::string& mount, const std::string& line) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line.size() <= second + 1 || line[second + 1] != '/')
        return {};
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) return smallest_of_ancestors(mount, group, &read_v2);
    if (!lists_cpu(controllers)) return {};
    return smaller(smallest_of_ancestors(mount + "/" + controllers, group, &read_v1),
                   smallest_of_ancestors(mount + "/cpu", group, &read_v1));
}

}  // namespace

std::optional<std::size_t> cgroup_cpu_limit(const CgroupPaths& paths) {
    Limit limit;
    std::ifstream membership(paths.membership);
    for (std::string line; std::getline(membership, line);) {
        limit = smaller(limit, read_line(paths.mount, line));
    }
    return limit;
}

std::size_t affinity_cpus() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0) {
        return static_cast<std::size_t>(CPU_COUNT(&mask));
    }
    // More CPUs than the mask has room for.
    return std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

std::size_t cpu_budget(const CgroupPaths& paths) {
    const std::size_t cpus = affinity_cpus();
    return std::min(cpus, cgroup_cpu_limit(paths).value_or(cpus));
}

}  // namespace pf
