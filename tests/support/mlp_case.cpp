// MlpCase: one channel MLP on one map, its exact result, and how far float may be from it.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mlp_case.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/compile/pack_weights.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/graph_maker.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {
namespace {

using kernels::MlpLayout;
using kernels::Partial;
using kernels::reference::Map;
using kernels::reference::Numbers;
using Place = GuardedBuffer::Place;

Numbers hash_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    const double spread = std::sqrt(3.0 / static_cast<double>(columns));
    return to_numbers(hash_floats(rows * columns, seed, 0, spread));
}

std::vector<float> to_floats(const Numbers& numbers) {
    return {numbers.begin(), numbers.end()};
}

std::vector<float> padded(const Numbers& numbers, std::size_t size) {
    std::vector<float> floats = to_floats(numbers);
    floats.resize(size);
    return floats;
}

// |matrix| * values + |start|: the sum of the absolute values of every term.
Numbers absolute_sums(const Numbers& values, Numbers matrix, Numbers start) {
    for (double& number : matrix) number = std::abs(number);
    for (double& number : start) number = std::abs(number);
    return kernels::reference::linear(values, matrix, start);
}

// The bounds of one pixel's outputs.
Numbers pixel_bounds(const MlpCase& mlp, std::size_t pixel) {
    const std::size_t channels = mlp.src.channels;
    const std::size_t hidden = mlp.weights.hidden;
    Numbers input(channels), sizes(channels);
    for (std::size_t c = 0; c < channels; ++c) {
        input[c] = (mlp.src.at(c, pixel) - mlp.mean) * static_cast<double>(mlp.rstd);
        sizes[c] = std::abs(input[c]);
    }
    // Subtraction and product of the norm, product and addition of every term.
    const Tolerance fc1{channels + 4};
    const Numbers exact = kernels::reference::linear(input, mlp.weights.fc1, mlp.weights.fc1_bias);
    const Numbers norms = absolute_sums(sizes, mlp.weights.fc1, mlp.weights.fc1_bias);
    Numbers values(hidden), errors(hidden);
    for (std::size_t h = 0; h < hidden; ++h) {
        errors[h] =
            kGeluSlope * fc1.bound(norms[h]) + kGeluError + Tolerance{4}.bound(std::abs(exact[h]));
        values[h] = std::abs(kernels::reference::gelu(exact[h])) + errors[h];
    }
    const Numbers inherited = absolute_sums(errors, mlp.weights.fc2, Numbers(channels));
    const Numbers sums = absolute_sums(values, mlp.weights.fc2, mlp.weights.fc2_bias);
    Numbers bounds(channels);
    for (std::size_t c = 0; c < channels; ++c) {
        const double norm = sums[c] + std::abs(mlp.src.at(c, pixel));
        bounds[c] = Tolerance{hidden + 4, inherited[c]}.bound(norm);
    }
    return bounds;
}

std::vector<float> garbage(std::size_t floats) {
    return std::vector<float>(floats, std::numeric_limits<float>::quiet_NaN());
}

}  // namespace

std::vector<float> packed_weights(const MlpCase& mlp, const MlpLayout& layout) {
    GraphMaker maker;
    const ChannelMlp op{
        {maker.matrix(layout.hidden, layout.channels, to_floats(mlp.weights.fc1)), {}},
        {maker.matrix(layout.channels, layout.hidden, to_floats(mlp.weights.fc2)), {}}};
    std::vector<float> weights(layout.weight_floats());
    pack_mlp(op, layout, weights);
    return weights;
}

MlpCase hash_mlp(std::size_t channels, std::size_t hidden, std::size_t pixels, double mean,
                 double deviation) {
    MlpCase mlp;
    mlp.src = hash_reference_map(channels, 1, pixels, mean, deviation);
    mlp.weights = {hidden, hash_matrix(hidden, channels, 21),
                   to_numbers(hash_floats(hidden, 22, 0, 0.5)), hash_matrix(channels, hidden, 23),
                   to_numbers(hash_floats(channels, 24, 0, 0.5))};
    mlp.mean = static_cast<float>(mean);
    mlp.rstd = static_cast<float>(std::sqrt(3.0) / deviation);
    mlp.shift = static_cast<float>(mean + 0.25);
    return mlp;
}

std::vector<double> mlp_bounds(const MlpCase& mlp) {
    std::vector<double> bounds(mlp.src.values.size());
    for (std::size_t pixel = 0; pixel < mlp.src.pixels(); ++pixel) {
        const Numbers of_pixel = pixel_bounds(mlp, pixel);
        for (std::size_t c = 0; c < mlp.src.channels; ++c) {
            bounds[c * mlp.src.pixels() + pixel] = of_pixel[c];
        }
    }
    return bounds;
}

MlpResult run_mlp(const kernels::KernelTable& table, const MlpCase& mlp,
                  const std::vector<float>& blocked, const MlpCall& call) {
    const MlpLayout layout{mlp.src.channels, mlp.weights.hidden, table.panel};
    const std::size_t pixels = mlp.src.pixels();
    const GuardedBuffer weights(packed_weights(mlp, layout), Place::aligned);
    const GuardedBuffer fc1_bias(padded(mlp.weights.fc1_bias, layout.padded_hidden()),
                                 Place::aligned);
    const GuardedBuffer fc2_bias(padded(mlp.weights.fc2_bias, layout.padded_outputs()),
                                 Place::aligned);
    GuardedBuffer src(blocked, call.place);
    GuardedBuffer other(blocked.size(), call.place);
    GuardedBuffer& dst = call.in_place ? src : other;
    const std::size_t num_strips = kernels::divide_up(mlp.src.channels, table.block) *
                                   kernels::num_strips(mlp.src.height, mlp.src.width);
    const std::size_t num_units = call.by_channels ? num_strips : pixels;
    GuardedBuffer partials(2 * num_units, call.place);
    // What an earlier step left there must not count.
    GuardedBuffer scratch(garbage(layout.scratch_floats(pixels)), Place::aligned);
    GuardedBuffer hidden(garbage(layout.padded_hidden() * pixels), Place::aligned);
    auto* units = reinterpret_cast<Partial*>(partials.data());
    const auto call_parts = [&](void (*kernel)(const kernels::ChannelMlpArgs&)) {
        for (std::size_t part = 0; part < call.parts; ++part) {
            kernel({.src = src.data(),
                    .dst = dst.data(),
                    .height = mlp.src.height,
                    .width = mlp.src.width,
                    .layout = layout,
                    .weights = weights.data(),
                    .fc1_bias = fc1_bias.data(),
                    .fc2_bias = fc2_bias.data(),
                    .mean = mlp.mean,
                    .rstd = mlp.rstd,
                    .shift = mlp.shift,
                    .by_channels = call.by_channels,
                    .partials = call.has_partials ? units : nullptr,
                    .pixels = kernels::split(pixels, call.parts, part),
                    .hidden_groups = kernels::split(layout.num_hidden_groups(), call.parts, part),
                    .panels = kernels::split(layout.num_panels(), call.parts, part),
                    .hidden = hidden.data(),
                    .scratch = scratch.data()});
        }
    };
    if (call.in_halves) {
        call_parts(table.mlp_hidden);
        call_parts(table.mlp_outputs);
    } else {
        call_parts(table.channel_mlp);
    }
    for (const bool is_intact :
         {src.intact(), other.intact(), weights.intact(), fc1_bias.intact(), fc2_bias.intact(),
          partials.intact(), scratch.intact(), hidden.intact()}) {
        CHECK(is_intact);
    }
    return {dst.values(), {units, units + num_units}};
}

}  // namespace pf::test
