// The CPU budget, from made-up control group folders of versions 1 and 2.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sched.h>

#include <filesystem>
#include <string>

#include "engine/run/cpu_budget.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {

// Stands for /sys/fs/cgroup and holds the membership file too.
class FakeCgroups {
  public:
    explicit FakeCgroups(const std::string& membership) { folder_.write("membership", membership); }

    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories(
            std::filesystem::path(folder_.path(file)).parent_path());
        folder_.write(file, text);
    }
    pf::CgroupPaths paths() const { return {folder_.path(), folder_.path("membership")}; }

  private:
    pf::test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("cgroup_cpu_limit: version 2 takes the smallest quota of all ancestors, rounded up") {
    const FakeCgroups groups("0::/pod/app\n");
    CHECK_FALSE(pf::cgroup_cpu_limit(groups.paths()));
    groups.write("pod/app/cpu.max", "max 100000\n");
    CHECK_FALSE(pf::cgroup_cpu_limit(groups.paths()));
    groups.write("cpu.max", "900000 100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 9u);
    groups.write("pod/cpu.max", "250000 100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 3u);
    groups.write("pod/app/cpu.max", "400000 100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 3u);
    groups.write("pod/app/cpu.max", "1000 100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 1u);
}

TEST_CASE("cgroup_cpu_limit: inside a container the mount itself is the group") {
    const FakeCgroups groups("0::/\n");
    groups.write("cpu.max", "200000 100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 2u);

    const FakeCgroups host_view("0::/kubepods/pod1/xyz\n");
    host_view.write("cpu.max", "100001 100000\n");
    CHECK(pf::cgroup_cpu_limit(host_view.paths()) == 2u);
}

TEST_CASE("cgroup_cpu_limit: version 1 reads the cpu controller only") {
    const FakeCgroups groups("5:cpuset:/box\n4:cpu,cpuacct:/box\n3:memory:/box\n");
    groups.write("cpuset/box/cpu.cfs_quota_us", "100000\n");
    groups.write("cpuset/box/cpu.cfs_period_us", "100000\n");
    groups.write("cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
    groups.write("cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
    CHECK_FALSE(pf::cgroup_cpu_limit(groups.paths()));
    groups.write("cpu,cpuacct/box/cpu.cfs_quota_us", "350000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 4u);

    groups.write("cpu/cpu.cfs_quota_us", "150000\n");
    groups.write("cpu/cpu.cfs_period_us", "100000\n");
    CHECK(pf::cgroup_cpu_limit(groups.paths()) == 2u);
}

TEST_CASE("cgroup_cpu_limit: nonsense sets no limit") {
    const FakeCgroups groups("\n:\n::\n0::relative\nno colons\n0::/a//b/\n");
    for (const char* text : {"", "max", "words and words", "0 100000", "100000 0", "-5 100000",
                             "99999999999999999999999 1"}) {
        CAPTURE(text);
        groups.write("cpu.max", text);
        CHECK_FALSE(pf::cgroup_cpu_limit(groups.paths()));
    }
    CHECK_FALSE(pf::cgroup_cpu_limit({"/nowhere", "/nowhere"}));
}

TEST_CASE("cpu_budget: never more than the affinity mask or the quota, never less than one") {
    cpu_set_t before;
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    const FakeCgroups unlimited("0::/\n");
    CHECK(pf::cpu_budget(unlimited.paths()) == static_cast<std::size_t>(CPU_COUNT(&before)));

    const FakeCgroups tight("0::/\n");
    tight.write("cpu.max", "5000 100000\n");
    CHECK(pf::cpu_budget(tight.paths()) == 1u);

    const FakeCgroups wide("0::/\n");
    wide.write("cpu.max", "99900000 100000\n");
    CHECK(pf::cpu_budget(wide.paths()) == static_cast<std::size_t>(CPU_COUNT(&before)));

    int first = 0;
    while (CPU_ISSET(first, &before) == 0) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(pf::cpu_budget(wide.paths()) == 1u);
    REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}
