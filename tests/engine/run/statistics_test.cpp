// From sums to moments: against double, far shifts, NaN.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/blocked_map.hpp"

namespace pf::test {

using kernels::PartialSums;

TEST_CASE("moments_of: for any number of values") {
    for (const std::size_t count : {1, 2, 3, 4, 5, 7, 8, 100}) {
        CAPTURE(count);
        const std::vector<float> values = hash_floats(count, 3, 0.25, 2.0);
        PartialSums sums;
        for (const float value : values) {
            sums.sum += value;
            sums.sum_of_squares += static_cast<double>(value) * value;
        }
        const double n = static_cast<double>(count);
        const double mean = sums.sum / n;
        double variance = 0;
        for (const float value : values) variance += (value - mean) * (value - mean) / n;
        const Moments moments = moments_of(sums, count);
        CHECK(moments.mean == doctest::Approx(mean).epsilon(1e-14));
        CHECK(moments.variance == doctest::Approx(variance).epsilon(1e-13));
    }
}

TEST_CASE("moments_of: the variance of equal values is never negative") {
    CHECK(moments_of({3.0, 2.9999998}, 3).variance == 0);
}

TEST_CASE("moments_of: biased, and exact for a large mean") {
    // Of 1000001 and 1000003, and of 7.
    const Moments moments = moments_of({2000004, 1000001.0 * 1000001 + 1000003.0 * 1000003}, 2);
    CHECK(moments.mean == 1000002);
    CHECK(moments.variance == 1);
    CHECK(moments_of({7, 49}, 1).variance == 0);
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
    const Moments moments = moments_of({kNaN, kNaN}, 3);
    CHECK(std::isnan(moments.mean));
    CHECK(std::isnan(moments.variance));
    CHECK_FALSE(shift_is_too_far(moments));
    CHECK(std::isnan(reciprocal_std(moments, 1e-5)));
}

TEST_CASE("reciprocal_std: adds eps to the variance") {
    CHECK(reciprocal_std({0, 3}, 1) == 0.5);
    CHECK(reciprocal_std({0, 0}, 0.25) == 2);
}

}  // namespace pf::test
