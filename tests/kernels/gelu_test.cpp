// The kernels' GELU, seen through channel_mlp, against erfc in double.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
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
          src_(std::vector<float>(kWidth)),
          dst_(kWidth),
          scratch_(layout_.scratch_floats(), Place::aligned) {}

    // Of kWidth values. One pixel: its blocked map is the dense vector.
    std::vector<float> operator()(const std::vector<float>& values) {
        std::copy(values.begin(), values.end(), fc1_bias_.data());
        table_.channel_mlp({.src = src_.data(),
                            .dst = dst_.data(),
                            .num_pixels = 1,
                            .layout = layout_,
                            .weights = weights_.data(),
                            .fc1_bias = fc1_bias_.data(),
                            .fc2_bias = fc2_bias_.data(),
                            .pixels = {0, 1},
                            .scratch = scratch_.data()});
        return dst_.values();
    }

  private:
    using Place = GuardedBuffer::Place;

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

}  // namespace

TEST_CASE("gelu: the largest absolute error in [-10, 10] is at most 3e-7") {
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
                const double exact = kernels::reference::gelu(values[i]);
                // The result itself is a float: half an epsilon of it is nobody's fault.
                const double rounding = std::abs(exact) * std::numeric_limits<float>::epsilon() / 2;
                worst = std::max(worst, std::abs(found[i] - exact) - rounding);
            }
        }
        CAPTURE(std::string(table->name));
        CHECK(worst <= kGeluError);
        CHECK(worst > 0);
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
