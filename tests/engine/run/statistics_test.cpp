// From partial sums to moments: against double, far shifts, NaN.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/blocked_map.hpp"

namespace pf::test {

using kernels::Partial;

TEST_CASE("reduce: equals the moments of the values, for any number of partials") {
    for (const std::size_t units : {1, 2, 3, 4, 5, 7, 8, 100}) {
        CAPTURE(units);
        const std::vector<float> values = hash_floats(4 * units, 3, 0.25, 2.0);
        std::vector<Partial> partials(units);
        for (std::size_t i = 0; i < values.size(); ++i) {
            partials[i / 4].sum += values[i];
            partials[i / 4].sum_of_squares += values[i] * values[i];
        }
        double sum = 0, squares = 0;
        for (const Partial& partial : partials) {
            sum += partial.sum;
            squares += partial.sum_of_squares;
        }
        const double n = static_cast<double>(values.size());
        const Moments found = reduce(partials, values.size());
        CHECK(found.mean == doctest::Approx(sum / n).epsilon(1e-14));
        CHECK(found.variance == doctest::Approx(squares / n - sum / n * (sum / n)).epsilon(1e-13));
        const Moments direct = moments_of(values);
        CHECK(found.mean == doctest::Approx(direct.mean).epsilon(1e-6));
        CHECK(found.variance == doctest::Approx(direct.variance).epsilon(1e-5));
    }
}

TEST_CASE("reduce: the variance of equal values is never negative") {
    const std::vector<Partial> partials = {{3.0f, 2.9999998f}};
    CHECK(reduce(partials, 3).variance == 0);
}

TEST_CASE("moments_of: biased, and exact for a large mean") {
    const Moments moments = moments_of(std::vector<float>{1000001, 1000003});
    CHECK(moments.mean == 1000002);
    CHECK(moments.variance == 1);
    CHECK(moments_of(std::vector<float>{7}).variance == 0);
}

TEST_CASE("shift_is_too_far: beyond 16 standard deviations, and for constants") {
    CHECK_FALSE(shift_is_too_far({0, 1}));
    CHECK_FALSE(shift_is_too_far({16, 1}));
    CHECK(shift_is_too_far({16.1, 1}));
    CHECK(shift_is_too_far({-16.1, 1}));
    CHECK(shift_is_too_far({1000, 1}));
    CHECK(shift_is_too_far({1, 0}));
    CHECK_FALSE(shift_is_too_far({0, 0}));
}

TEST_CASE("statistics: NaN stays NaN and asks for no second look") {
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    const std::vector<Partial> partials = {{1, 1}, {kNaN, kNaN}, {2, 3}};
    const Moments moments = reduce(partials, 3);
    CHECK(std::isnan(moments.mean));
    CHECK(std::isnan(moments.variance));
    CHECK_FALSE(shift_is_too_far(moments));
    CHECK(std::isnan(reciprocal_std(moments, 1e-5)));
    CHECK(std::isnan(moments_of(std::vector<float>{1, kNaN}).variance));
}

TEST_CASE("reciprocal_std: adds eps to the variance") {
    CHECK(reciprocal_std({0, 3}, 1) == 0.5);
    CHECK(reciprocal_std({0, 0}, 0.25) == 2);
}

}  // namespace pf::test
