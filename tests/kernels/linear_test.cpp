// linear on every instruction set against the plain loops.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/compile/pack_weights.hpp"
#include "kernels/dispatch.hpp"
#include "tests/support/blocked_map.hpp"
#include "tests/support/graph_maker.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_sizes.hpp"
#include "tests/support/tolerance.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;
using kernels::reference::Numbers;
using Place = GuardedBuffer::Place;

struct LinearCase {
    std::vector<float> src, matrix, bias;
};

LinearCase hash_linear(std::size_t inputs, std::size_t outputs) {
    return {hash_floats(inputs, 31), hash_floats(inputs * outputs, 32), hash_floats(outputs, 33)};
}

void run_to(const KernelTable& table, const LinearCase& linear, float* dst, std::size_t parts = 1,
            Place place = Place::at_end) {
    const kernels::LinearLayout layout{linear.src.size(), linear.bias.size(), table.panel};
    GraphMaker maker;
    const Linear op{maker.matrix(layout.outputs, layout.inputs, linear.matrix), {}};
    std::vector<float> packed(layout.weight_floats());
    pack_linear(op, layout, packed);
    std::vector<float> padded_bias = linear.bias;
    padded_bias.resize(layout.padded_outputs());

    const GuardedBuffer src(linear.src, place);
    const GuardedBuffer weights(packed, Place::aligned);
    const GuardedBuffer bias(padded_bias, Place::aligned);
    for (std::size_t part = 0; part < parts; ++part) {
        table.linear({.src = src.data(),
                      .layout = layout,
                      .weights = weights.data(),
                      .bias = bias.data(),
                      .dst = dst,
                      .panels = kernels::split(layout.num_panels(), parts, part)});
    }
    CHECK(src.intact());
    CHECK(weights.intact());
    CHECK(bias.intact());
}

std::vector<float> run(const KernelTable& table, const LinearCase& linear, std::size_t parts = 1,
                       Place place = Place::at_end) {
    GuardedBuffer dst(linear.bias.size(), place);
    run_to(table, linear, dst.data(), parts, place);
    CHECK(dst.intact());
    return dst.values();
}

Numbers absolute(const std::vector<float>& values) {
    Numbers numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) numbers[i] = std::abs(values[i]);
    return numbers;
}

void check_case(const KernelTable& table, const LinearCase& linear, Place place) {
    const Numbers exact = kernels::reference::linear(
        to_numbers(linear.src), to_numbers(linear.matrix), to_numbers(linear.bias));
    const Numbers norms = kernels::reference::linear(absolute(linear.src), absolute(linear.matrix),
                                                     absolute(linear.bias));
    const std::vector<float> found = run(table, linear, 1, place);
    // No order of summation rounds more often than one chain.
    const Tolerance tolerance{linear.src.size() + 2};
    bool all_good = true;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        all_good = all_good && tolerance.accepts(found[i], exact[i], norms[i]);
    }
    CHECK(all_good);
}

}  // namespace

TEST_CASE("linear: inputs around the segments, outputs around the panels") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t inputs : {1, 2, 3, 4, 5, 20, 63, 64, 65, 67, 128, 131}) {
            CAPTURE(inputs);
            for (const std::size_t outputs : kChannels) {
                CAPTURE(outputs);
                for (const Place place : kPlaces) {
                    check_case(*table, hash_linear(inputs, outputs), place);
                }
            }
        }
    }
}

TEST_CASE("linear: any split of the panels gives the same bits") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        const LinearCase linear = hash_linear(131, 1000);
        const std::vector<float> whole = run(*table, linear);
        for (const std::size_t parts : {2, 3}) CHECK(same_bits(run(*table, linear, parts), whole));
    }
}

TEST_CASE("linear: dst may lie at any address") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (const std::size_t outputs : {std::size_t{1}, table->panel, 2 * table->panel + 1}) {
            CAPTURE(outputs);
            const LinearCase linear = hash_linear(20, outputs);
            const std::vector<float> expected = run(*table, linear);
            for (const std::size_t offset : {1, 2, 3}) {
                constexpr char kUntouched = 0x5a;
                const std::size_t size = outputs * sizeof(float);
                std::vector<char> bytes(offset + size + 1, kUntouched);
                run_to(*table, linear, reinterpret_cast<float*>(bytes.data() + offset));
                CHECK(std::memcmp(bytes.data() + offset, expected.data(), size) == 0);
                CHECK(std::count(bytes.begin(), bytes.begin() + offset, kUntouched) == offset);
                CHECK(bytes.back() == kUntouched);
            }
        }
    }
}

TEST_CASE("linear: NaN and infinity reach every output") {
    for (const float bad : kNonFinite) {
        CAPTURE(bad);
        for (const KernelTable* table : kernels::testable_tables()) {
            LinearCase linear = hash_linear(20, 17);
            linear.src[13] = bad;
            for (const float value : run(*table, linear)) CHECK_FALSE(std::isfinite(value));
        }
    }
}

}  // namespace pf::test
