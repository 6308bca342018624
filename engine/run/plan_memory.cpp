// plan_memory: from lifetimes to offsets in one arena.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/plan_memory.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/layout.hpp"

namespace pf {
namespace {

bool overlap(const Lifetime& a, const Lifetime& b) {
    return a.first <= b.last && b.first <= a.last;
}

// The lowest offset at which `floats` fit between the taken ranges, which are sorted by begin.
struct Taken {
    std::size_t begin, end;
};
std::size_t lowest_gap(std::span<const Taken> taken, std::size_t floats) {
    std::size_t offset = 0;
    for (const Taken& range : taken) {
        if (offset + floats <= range.begin) break;
        offset = std::max(offset, range.end);
    }
    return offset;
}

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> lifetimes) {
    std::vector<std::size_t> order(lifetimes.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return lifetimes[a].floats > lifetimes[b].floats;
    });

    MemoryPlan plan;
    plan.offsets.resize(lifetimes.size());
    std::vector<std::size_t> placed;
    for (const std::size_t index : order) {
        std::vector<Taken> taken;
        for (const std::size_t other : placed) {
            if (!overlap(lifetimes[index], lifetimes[other])) continue;
            const std::size_t begin = plan.offsets[other];
            taken.push_back({begin, begin + kernels::whole_lines(lifetimes[other].floats)});
        }
        std::sort(taken.begin(), taken.end(),
                  [](const Taken& a, const Taken& b) { return a.begin < b.begin; });
        const std::size_t floats = kernels::whole_lines(lifetimes[index].floats);
        plan.offsets[index] = lowest_gap(taken, floats);
        plan.total_floats = std::max(plan.total_floats, plan.offsets[index] + floats);
        placed.push_back(index);
    }
    return plan;
}

}  // namespace pf
