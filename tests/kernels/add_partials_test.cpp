// add_partials on every instruction set: exact where double is, and nothing read beyond the end.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace pf::test {
namespace {

using kernels::KernelTable;
using kernels::PartialSums;

PartialSums add(const KernelTable& table, const std::vector<float>& pairs) {
    const GuardedBuffer buffer(pairs, GuardedBuffer::Place::at_end);
    return table.add_partials(reinterpret_cast<const kernels::Partial*>(buffer.data()),
                              pairs.size() / 2);
}

}  // namespace

TEST_CASE("add_partials: sums in double, for any number of partials") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (std::size_t count = 0; count < 70; ++count) {
            CAPTURE(count);
            // Floats of 24 bits, so different in size that a sum in float would lose the small
            // ones.
            std::vector<float> pairs;
            PartialSums expected;
            for (std::size_t i = 0; i < count; ++i) {
                const double sum = i % 2 == 0 ? 16777215.0 : 1.0 / 1024;
                pairs.push_back(static_cast<float>(i % 3 == 0 ? -sum : sum));
                pairs.push_back(static_cast<float>(i + 0.25));
                expected.sum += pairs[2 * i];
                expected.sum_of_squares += pairs[2 * i + 1];
            }
            const PartialSums found = add(*table, pairs);
            CHECK(found.sum == expected.sum);
            CHECK(found.sum_of_squares == expected.sum_of_squares);
        }
    }
}

TEST_CASE("add_partials: NaN reaches its own sum and not the other, wherever it is") {
    for (const KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        for (std::size_t i = 0; i < 2 * 37; ++i) {
            CAPTURE(i);
            std::vector<float> pairs(2 * 37, 1.0f);
            pairs[i] = std::numeric_limits<float>::quiet_NaN();
            const PartialSums found = add(*table, pairs);
            CHECK(std::isnan(found.sum) == (i % 2 == 0));
            CHECK(std::isnan(found.sum_of_squares) == (i % 2 == 1));
        }
    }
}

}  // namespace pf::test
