// The micro-kernel: a few rows of a tile times one panel of packed weights, in registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>

#include "kernels/simd/vector.hpp"

namespace pf::kernels::simd {

inline constexpr std::size_t kPanelVectors = 2;  // a panel is two vectors wide

template <class Arch>
inline constexpr std::size_t kPanel = kPanelVectors* kLanes<Arch>;

// Rows x two vectors of sums. 6 x 2 fills AVX2's 16 registers, 12 x 2 uses 27 of AVX-512's 32.
template <class Arch, std::size_t Rows>
struct Accumulators {
    Vec<Arch> sums[Rows][kPanelVectors];

    PF_INLINE void clear() {
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            sums[r.value][0] = Vec<Arch>(0.0f);
            sums[r.value][1] = Vec<Arch>(0.0f);
        });
    }

    PF_INLINE void fill(const float* panel_values) {
        const Vec<Arch> first = load<Arch>(panel_values);
        const Vec<Arch> second = load<Arch>(panel_values + kLanes<Arch>);
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            sums[r.value][0] = first;
            sums[r.value][1] = second;
        });
    }

    // `rows`: [Rows][panel].
    PF_INLINE void add(const float* rows) {
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            sums[r.value][0] += load<Arch>(rows + r.value * kPanel<Arch>);
            sums[r.value][1] += load<Arch>(rows + r.value * kPanel<Arch> + kLanes<Arch>);
        });
    }

    PF_INLINE void store_to(float* rows) const {
        unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
            store<Arch>(rows + r.value * kPanel<Arch>, sums[r.value][0]);
            store<Arch>(rows + r.value * kPanel<Arch> + kLanes<Arch>, sums[r.value][1]);
        });
    }
};

// Steps of the depth that multiply_panel unrolls. AVX2 gains about 1 % (EPYC Milan, 2026-11-25) by
// a whole group without a branch. With AVX-512 as many steps take four times as many multiply-adds,
// and g++ as long to compile: a quarter of a group is as much work.
template <class Arch>
inline constexpr std::size_t kUnrolledSteps = kLanes<Arch> < 16 ? kDepthGroup : kDepthGroup / 4;

// Brings the next panel's cache lines in while this one is used, a few for every kUnrolledSteps:
// many at a time cost 1 %, even where the lines are in the cache (AVX-512, EPYC Turin, 2026-11-29).
// Asking for more than the panel, or past the last one, is harmless: a prefetch cannot fault. (A
// pointer so far out is undefined by the letter; compilers that we use do not make use of it.)
template <class Arch>
struct Prefetch {
    const float* next = nullptr;
    std::size_t floats = kLineFloats;  // to ask for at a time: whole lines

    // The lines of `next_panel`, shared out over `passes` passes over the one before it.
    PF_INLINE static Prefetch share(const float* next_panel, std::size_t passes) {
        return {next_panel, whole_lines(divide_up(kUnrolledSteps<Arch> * kPanel<Arch>, passes))};
    }

    // Moves on by what one pass over `depth` steps has asked for.
    PF_INLINE void skip_pass(std::size_t depth) { next += floats * (depth / kUnrolledSteps<Arch>); }

    PF_INLINE void advance() {
        const float* const end = next + floats;
        do {
            __builtin_prefetch(next, 0, 2);
            next += kLineFloats;
        } while (next != end);
    }
};

// sums[r][j] += sum over k < depth of tile(r, k) * panel[k][j], k ascending: the order, and so the
// bits, of one output do not depend on Rows. Row r's element k is at
// tile[k / kDepthGroup * group_stride + r * kDepthGroup + k % kDepthGroup]. side_work.advance() is
// called every kUnrolledSteps: a Prefetch, or more.
template <class Arch, std::size_t Rows, class SideWork>
PF_INLINE void multiply_panel(const float* tile, std::size_t group_stride, const float* panel,
                              std::size_t depth, SideWork& side_work,
                              Accumulators<Arch, Rows>& accumulators) {
    for (std::size_t group = 0; group < depth / kDepthGroup; ++group) {
        const float* values = tile;
#pragma GCC unroll 1
        for (std::size_t step = 0; step < kDepthGroup; step += kUnrolledSteps<Arch>) {
            side_work.advance();
            unroll<kUnrolledSteps<Arch>>([&](auto k) PF_LAMBDA_INLINE {
                const float* weights = panel + k.value * kPanel<Arch>;
                const Vec<Arch> first = load<Arch>(weights);
                const Vec<Arch> second = load<Arch>(weights + kLanes<Arch>);
                unroll<Rows>([&](auto r) PF_LAMBDA_INLINE {
                    const Vec<Arch> value(values[r.value * kDepthGroup + k.value]);
                    auto& sums = accumulators.sums[r.value];
                    sums[0] = multiply_add<Arch>(value, first, sums[0]);
                    sums[1] = multiply_add<Arch>(value, second, sums[1]);
                    keep_alive<Arch>(value);
                });
                keep_alive<Arch>(first);
                keep_alive<Arch>(second);
            });
            values += kUnrolledSteps<Arch>;
            panel += kUnrolledSteps<Arch> * kPanel<Arch>;
        }
        tile += group_stride;
    }
}

// One chunk of the depth of a few rows times one panel of outputs.
template <class Arch>
struct ChunkStep {
    std::size_t channel;  // the panel's first output
    bool is_first;        // of the chunks
    bool is_last;
    const float* panel;
    std::size_t depth;
    Prefetch<Arch> prefetch;
};

// Each chunk is summed from zero and then added to the sums before it, which wait in `between`
// ([Rows][panel]): one chain over all of the depth would round further from the truth.
template <class Arch, std::size_t Rows>
PF_INLINE void sum_chunk(const ChunkStep<Arch>& step, const float* bias, const float* tile,
                         std::size_t group_stride, const float* between,
                         Accumulators<Arch, Rows>& accumulators) {
    if (step.is_first) {
        accumulators.fill(bias + step.channel);
    } else {
        accumulators.clear();
    }
    Prefetch<Arch> prefetch = step.prefetch;
    multiply_panel<Arch, Rows>(tile, group_stride, step.panel, step.depth, prefetch, accumulators);
    if (!step.is_first) accumulators.add(between);
}

// Cuts `units`, pixels or quads, into tiles of whole blocks of MaxRows rows, the last one's
// excepted, and of TileUnits units rounded up to whole blocks at most. Calls body(first unit,
// number of units) for each.
template <std::size_t MaxRows, std::size_t TileUnits, class Body>
PF_INLINE void for_each_tile(Range units, Body&& body) {
    constexpr std::size_t kMaxBlocks = divide_up(TileUnits, MaxRows);
    static_assert(kRowGranule % MaxRows == 0);  // scratch has room for whole blocks of rows
    const std::size_t num_blocks = divide_up(units.size(), MaxRows);
    const std::size_t num_tiles = divide_up(num_blocks, kMaxBlocks);
    for (std::size_t i = 0; i < num_tiles; ++i) {
        const Range blocks = split(num_blocks, num_tiles, i);
        const std::size_t first = blocks.begin * MaxRows;
        body(units.begin + first, std::min(blocks.end * MaxRows, units.size()) - first);
    }
}

// Cuts a tile's rows into `num_blocks` blocks as even as can be, and calls
// body(first row, number of rows) for each. No division for each, as split() would need.
template <class Body>
PF_INLINE void for_each_row_block(std::size_t num_rows, std::size_t num_blocks, Body&& body) {
    const std::size_t fewest = num_rows / num_blocks;
    const std::size_t num_larger = num_rows % num_blocks;
    std::size_t first = 0;
    for (std::size_t block = 0; block < num_blocks; ++block) {
        const std::size_t rows = fewest + (block < num_larger);
        body(first, rows);
        first += rows;
    }
}

// A micro-kernel, Make<Rows>::function, by its number of rows, 1 to MaxRows; entry 0 is never
// called.
template <template <std::size_t> class Make, std::size_t MaxRows>
constexpr auto functions_by_rows() {
    using Function = std::remove_const_t<decltype(Make<1>::function)>;
    std::array<Function, MaxRows + 1> functions{};
    unroll<MaxRows>([&](auto i) { functions[i.value + 1] = Make<i.value + 1>::function; });
    return functions;
}

}  // namespace pf::kernels::simd
