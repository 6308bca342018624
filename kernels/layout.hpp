// How activations and packed weights lie in memory: pure arithmetic shared by packing and kernels.
// SPDX-License-Identifier: Apache-2.0
//
// Activations are blocked, as oneDNN's nChw8c and nChw16c: [channels /
// block][height][width][block], channels padded to the block with zeros. Weight matrices are cut
// into panels of `panel` outputs (two vectors): [outputs / panel][depth][panel], outputs and depth
// padded with zeros.
#pragma once

#include <algorithm>
#include <cstddef>

namespace pf::kernels {

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

constexpr std::size_t divide_up(std::size_t value, std::size_t divisor) {
    return (value + divisor - 1) / divisor;
}

// In floats, so many as begin on lines of their own.
inline constexpr std::size_t kLineFloats = 16;
constexpr std::size_t whole_lines(std::size_t floats) {
    return round_up(floats, kLineFloats);
}

// [begin, end)
struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;

    constexpr std::size_t size() const { return end - begin; }
};

// Part `index` of `total` things dealt out to `parts` takers as evenly as can be.
constexpr Range split(std::size_t total, std::size_t parts, std::size_t index) {
    return {total * index / parts, total * (index + 1) / parts};
}

// Statistics of a map are counted in strips: an even number of rows of one channel block, so many
// that a strip has about 56 pixels. pool_mix takes two rows at a time, and single rows of small
// maps are too short for the horizontal sum at their end.
constexpr std::size_t strip_rows(std::size_t width) {
    constexpr std::size_t kStripPixels = 56;
    return std::max<std::size_t>(2, kStripPixels / width / 2 * 2);
}

constexpr std::size_t num_strips(std::size_t height, std::size_t width) {
    return divide_up(height, strip_rows(width));
}

// A multiple of the micro-kernel's rows, which are 6 or 12.
inline constexpr std::size_t kRowGranule = 12;

// Depth is walked in groups: rows of a tile are stored [depth / kDepthGroup][row][kDepthGroup].
inline constexpr std::size_t kDepthGroup = 16;

// A tile of the channel MLP or of gemm_convolution holds this many pixels, rounded up to whole
// blocks of the micro-kernel's rows. All 49 of stage 4 at 224x224 must fit one tile, so
// that its 8 MB of weights stream once. With AVX-512, whose panels are 32 wide, the 196 of stage 3
// do, too: S12 to M48 take 0.2 to 0.5 % less time (EPYC Turin, 1 MB of L2, 2026-11-30). On an EPYC
// Milan with its 512 KB larger tiles gained nothing (prototype, 2026-11-23).
constexpr std::size_t tile_pixels(std::size_t panel) {
    return panel < 32 ? 49 : 196;
}
constexpr std::size_t max_tile_rows(std::size_t panel) {
    return round_up(tile_pixels(panel), kRowGranule);
}

// Most hidden channels computed before their second matrix is applied: the hidden tile stays in L2,
// and each chunk is summed on its own, which halves the rounding error of fc2. 512 is no faster
// (AVX-512, EPYC Turin, 2026-11-30).
inline constexpr std::size_t kMaxHiddenChunk = 256;

// The sizes of one channel MLP and where its packed weights lie. The hidden channels are cut into
// chunks; the weights of a chunk are its panels of fc1, then what fc2 makes of the chunk:
//     [chunk]{ [hidden in chunk / panel][depth][panel], [outputs / panel][hidden in chunk][panel] }
struct MlpLayout {
    std::size_t channels = 0;
    std::size_t hidden = 0;
    std::size_t panel = 0;

    constexpr std::size_t depth() const { return round_up(channels, kDepthGroup); }
    constexpr std::size_t num_panels() const { return divide_up(channels, panel); }
    constexpr std::size_t padded_outputs() const { return num_panels() * panel; }
    constexpr std::size_t hidden_group() const { return std::max(panel, kDepthGroup); }
    constexpr std::size_t num_hidden_groups() const { return divide_up(hidden, hidden_group()); }
    constexpr std::size_t padded_hidden() const { return num_hidden_groups() * hidden_group(); }
    constexpr std::size_t num_chunks() const { return divide_up(padded_hidden(), kMaxHiddenChunk); }

    constexpr Range chunk(std::size_t index) const {
        const Range groups = split(num_hidden_groups(), num_chunks(), index);
        return {groups.begin * hidden_group(), groups.end * hidden_group()};
    }
    // Offsets in floats of a chunk's two parts.
    constexpr std::size_t fc1_offset(std::size_t index) const {
        return chunk(index).begin * (depth() + padded_outputs());
    }
    constexpr std::size_t fc2_offset(std::size_t index) const {
        return fc1_offset(index) + chunk(index).size() * depth();
    }
    constexpr std::size_t weight_floats() const {
        return padded_hidden() * (depth() + padded_outputs());
    }

    // Scratch one call of channel_mlp needs for so many pixels, in floats.
    constexpr std::size_t scratch_floats(std::size_t num_pixels) const {
        const std::size_t rows = std::min(num_pixels, max_tile_rows(panel));
        const std::size_t input_tile = rows * depth();
        const std::size_t hidden_tile = rows * (kMaxHiddenChunk + hidden_group());
        const std::size_t output_tile = rows * padded_outputs();
        return input_tile + hidden_tile + output_tile;
    }
};

// Most depth groups of a convolution summed in one chain: 144 products. One chain over all of them
// (2880 in S12's last patch embedding) would round three times further from the truth.
inline constexpr std::size_t kMaxConvolutionChunk = 9;

// The sizes of a convolution of a blocked map as a matrix product, and where its packed weights
// lie. Depth is cut into groups of 16 input channels of one tap of the window, group = (channels /
// 16) * taps + tap, and the groups into chunks: [chunk][outputs / panel][depth in chunk][panel].
struct GemmConvolutionLayout {
    std::size_t in_channels = 0;
    std::size_t out_channels = 0;
    std::size_t kernel = 0;
    std::size_t panel = 0;

    constexpr std::size_t taps() const { return kernel * kernel; }
    constexpr std::size_t num_panels() const { return divide_up(out_channels, panel); }
    constexpr std::size_t padded_outputs() const { return num_panels() * panel; }
    constexpr std::size_t num_groups() const {
        return divide_up(in_channels, kDepthGroup) * taps();
    }
    constexpr std::size_t num_chunks() const {
        return divide_up(num_groups(), kMaxConvolutionChunk);
    }
    constexpr Range chunk(std::size_t index) const {
        return split(num_groups(), num_chunks(), index);
    }
    constexpr std::size_t chunk_offset(std::size_t index) const {
        return chunk(index).begin * kDepthGroup * padded_outputs();
    }
    constexpr std::size_t weight_floats() const {
        return num_groups() * kDepthGroup * padded_outputs();
    }

    // Pixels of a map.
    static constexpr std::size_t num_units(std::size_t height, std::size_t width) {
        return height * width;
    }

    // Scratch one call of gemm_convolution needs for so many output pixels, in floats.
    constexpr std::size_t scratch_floats(std::size_t num_pixels) const {
        const std::size_t rows = std::min(num_pixels, max_tile_rows(panel));
        return rows * (kMaxConvolutionChunk * kDepthGroup + padded_outputs());
    }
};

// Most quads of a tile of winograd_convolution, rounded up to whole blocks of the micro-kernel's
// rows. Twice as many were no faster, nor four times with AVX-512 (EPYC Turin, 2026-11-30), and
// these leave a third of a second-level cache of 512 KB free at 128 channels.
inline constexpr std::size_t kTileQuads = 25;

// The sizes of a 3x3 convolution of stride 2 by quads, 2x2 output pixels from an even row and
// column on, and where its packed weights lie. The 5x5 pixels that a quad reads become 25 planes,
// and of these nine terms are made, each the product of 1, 2 or 4 planes and the weights
// (kernels/simd/winograd_convolution.hpp says how). Terms are ordered by row, and so are the planes
// of each; depth by plane, then input channel: [outputs / panel][term][depth of the term][panel].
struct WinogradLayout {
    std::size_t in_channels = 0;
    std::size_t out_channels = 0;
    std::size_t panel = 0;

    static constexpr std::size_t kPlaneSide = 5;
    static constexpr std::size_t kTermSide = 3;
    static constexpr std::size_t kTerms = kTermSide * kTermSide;

    // The rows (or columns) of planes that make a row (or column) of terms. A function: data would
    // become a symbol that the objects of several instruction sets define.
    static constexpr Range planes_of_term(std::size_t term) {
        return term == 0 ? Range{0, 2} : term == 1 ? Range{2, 3} : Range{3, 5};
    }
    // Planes before those of a term.
    static constexpr std::size_t first_plane(std::size_t term_y, std::size_t term_x) {
        return planes_of_term(term_y).begin * kPlaneSide +
               planes_of_term(term_y).size() * planes_of_term(term_x).begin;
    }

    constexpr std::size_t num_panels() const { return divide_up(out_channels, panel); }
    constexpr std::size_t padded_outputs() const { return num_panels() * panel; }
    constexpr std::size_t groups_of_plane() const { return divide_up(in_channels, kDepthGroup); }
    constexpr std::size_t groups_of_term(std::size_t term_y, std::size_t term_x) const {
        return planes_of_term(term_y).size() * planes_of_term(term_x).size() * groups_of_plane();
    }
    constexpr std::size_t depth() const {
        return kPlaneSide * kPlaneSide * groups_of_plane() * kDepthGroup;
    }
    constexpr std::size_t weight_floats() const { return depth() * padded_outputs(); }

    // Quads of a map, row by row. At an edge, some of their pixels may lie outside it.
    static constexpr std::size_t num_units(std::size_t height, std::size_t width) {
        return divide_up(height, 2) * divide_up(width, 2);
    }

    // Scratch one call of winograd_convolution needs for so many quads, in floats.
    constexpr std::size_t scratch_floats(std::size_t num_quads) const {
        const std::size_t rows = std::min(num_quads, round_up(kTileQuads, kRowGranule));
        return rows * (depth() + kTerms * panel);
    }
};

// The classifier's matrix: [outputs / panel][inputs][panel].
struct LinearLayout {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t panel = 0;

    constexpr std::size_t num_panels() const { return divide_up(outputs, panel); }
    constexpr std::size_t padded_outputs() const { return num_panels() * panel; }
    constexpr std::size_t weight_floats() const { return padded_outputs() * inputs; }
};

}  // namespace pf::kernels
