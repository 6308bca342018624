// The kernels' GELU, seen through channel_mlp, against erfc in double.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/dispatch.hpp"
#include "kernels/reference/reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/mlp_case.hpp"

namespace pf::test {
namespace {

constexpr std::size_t kWidth = 32;  // values at a time
constexpr std::size_t kPixels =
    5;  // so many that GELU takes several vectors at once, and single ones

// A channel MLP that maps 0 to gelu(fc1_bias) without any other rounding: fc1 is zero, fc2 is the
// identity, and the residual is zero.
class BareGelu {
  public:
    explicit BareGelu(const kernels::KernelTable& table)
        : table_(table),
          layout_{kWidth, kWidth, table.panel},
          weights_(packed_weights(identity(), layout_), Place::aligned),
          fc1_bias_(kWidth, Place::aligned),
          fc2_bias_(std::vector<float>(kWidth), Place::aligned),
          src_(std::vector<float>(kWidth * kPixels)),
          dst_(kWidth * kPixels),
          scratch_(layout_.scratch_floats(kPixels), Place::aligned) {}

    // Of kWidth values, the same at every pixel.
    std::vector<float> operator()(const std::vector<float>& values) {
        std::copy(values.begin(), values.end(), fc1_bias_.data());
        table_.channel_mlp({.src = src_.data(),
                            .dst = dst_.data(),
                            .height = 1,
                            .width = kPixels,
                            .layout = layout_,
                            .weights = weights_.data(),
                            .fc1_bias = fc1_bias_.data(),
                            .fc2_bias = fc2_bias_.data(),
                            .pixels = {0, kPixels},
                            .scratch = scratch_.data()});
        const std::vector<float> map = dst_.values();
        std::vector<float> found(kWidth);
        for (std::size_t i = 0; i < map.size(); ++i) {  // [kWidth / block][kPixels][block]
            const std::size_t block = i / (table_.block * kPixels);
            float& value = found[block * table_.block + i % table_.block];
            const bool is_first_pixel = i / table_.block % kPixels == 0;
            if (is_first_pixel) value = map[i];
            if (!same_bits(value, map[i])) FAIL("pixels differ");
        }
        return found;
    }

  private:
    using Place = GuardedBuffer::Place;

    static bool same_bits(float a, float b) {
        return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    }

    static MlpCase identity() {
        MlpCase mlp;
        mlp.weights.hidden = kWidth;
        mlp.weights.fc1.assign(kWidth * kWidth, 0);
        mlp.weights.fc2.assign(kWidth * kWidth, 0);
        for (std::size_t i = 0; i < kWidth; ++i) mlp.weights.fc2[i * kWidth + i] = 1;
        return mlp;
    }

    const kernels::KernelTable& table_;
    kernels::MlpLayout layout_;
    GuardedBuffer weights_, fc1_bias_, fc2_bias_, src_, dst_, scratch_;
};

// What is allowed beside the rounding of the result.
double largest_error(const kernels::KernelTable& table) {
    return table.isa == kernels::Isa::avx512 ? 6e-8 : 1.4e-7;
}

double error_of(float value, float found) {
    const double exact = kernels::reference::gelu(value);
    // The result itself is a float: half an epsilon of it is nobody's fault.
    const double rounding = std::abs(exact) * std::numeric_limits<float>::epsilon() / 2;
    return std::abs(found - exact) - rounding;
}

}  // namespace

TEST_CASE("gelu: the largest absolute error in [-10, 10]") {
    constexpr std::size_t kSteps = 1 << 20;
    for (const kernels::KernelTable* table : kernels::testable_tables()) {
        BareGelu gelu(*table);
        std::vector<float> values(kWidth);
        double worst = 0;
        for (std::size_t step = 0; step < kSteps; step += kWidth) {
            for (std::size_t i = 0; i < kWidth; ++i) {
                values[i] = -10.0f + 20.0f * static_cast<float>(step + i) / (kSteps - 1);
            }
            const std::vector<float> found = gelu(values);
            for (std::size_t i = 0; i < kWidth; ++i) {
                worst = std::max(worst, error_of(values[i], found[i]));
            }
        }
        CAPTURE(std::string(table->name));
        CHECK(worst <= largest_error(*table));
        CHECK(worst > 0);
    }
}

// Where one polynomial of AVX-512's table ends and the next begins, two roundings must agree.
TEST_CASE("gelu: halfway between quarters, and the floats next to it") {
    for (const kernels::KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        BareGelu gelu(*table);
        for (int k = 0; k <= 32; ++k) {
            const float halfway = 0.25f * static_cast<float>(k) + 0.125f;
            std::vector<float> values(kWidth, 0.0f);
            values[0] = halfway;
            values[1] = std::nextafter(halfway, 0.0f);
            values[2] = std::nextafter(halfway, 100.0f);
            for (std::size_t i = 0; i < 3; ++i) values[3 + i] = -values[i];
            const std::vector<float> found = gelu(values);
            for (std::size_t i = 0; i < 6; ++i) {
                CAPTURE(values[i]);
                CHECK(error_of(values[i], found[i]) <= largest_error(*table));
            }
        }
    }
}

// Left of -1 GELU is small: a wrong coefficient there hides behind an absolute error.
TEST_CASE("gelu: AVX-512's table is right to 2e-4 of the result between -5.625 and -1") {
    for (const kernels::KernelTable* table : kernels::testable_tables()) {
        if (table->isa != kernels::Isa::avx512) continue;
        BareGelu gelu(*table);
        double worst = 0;
        for (float first = -5.625f; first < -1; first += 1.0f / 32) {
            std::vector<float> values(kWidth);
            for (std::size_t i = 0; i < kWidth; ++i) {
                values[i] = first + static_cast<float>(i) / (32 * kWidth);
            }
            const std::vector<float> found = gelu(values);
            for (std::size_t i = 0; i < kWidth; ++i) {
                const double exact = kernels::reference::gelu(values[i]);
                worst = std::max(worst, std::abs(found[i] / exact - 1));
            }
        }
        CHECK(worst <= 2e-4);
    }
}

TEST_CASE("gelu: zero, tiny, huge, infinite and NaN values") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const kernels::KernelTable* table : kernels::testable_tables()) {
        CAPTURE(std::string(table->name));
        BareGelu gelu(*table);
        std::vector<float> values(kWidth, 0.0f);
        values[1] = 1e-30f;
        values[2] = 1e30f;
        values[3] = -1e30f;
        const std::vector<float> found = gelu(values);
        CHECK(found[0] == 0);
        CHECK(std::abs(found[1]) <= 1e-30f);
        CHECK(found[2] == 1e30f);
        CHECK(std::abs(found[3]) <= kGeluError);
        // In front, one at a time: the identity matrix's zeros times infinity make the others NaN.
        values[0] = kInfinity;
        CHECK(gelu(values).front() == kInfinity);
        values[0] = -kInfinity;
        CHECK(std::abs(gelu(values).front()) <= kGeluError);
        values[0] = std::numeric_limits<float>::quiet_NaN();
        CHECK(std::isnan(gelu(values).front()));
    }
}

}  // namespace pf::test
