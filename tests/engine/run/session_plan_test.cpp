// SessionPlan: how a run's work is spread over its steps.
// SPDX-License-Identifier: Apache-2.0
#include "engine/run/session_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "engine/compile/compile.hpp"
#include "kernels/dispatch.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

using kernels::Range;

// Multiply-accumulates of one step.
class CountMacs {
  public:
    CountMacs(const SessionPlan& plan, const Step& step) : plan_(plan), step_(step) {}

    std::uint64_t operator()(const ConvolutionStep& op) const {
        return plan_.maps[*step_.output_map].pixels() * step_.out_channels * step_.in_channels *
               op.window.kernel * op.window.kernel;
    }
    std::uint64_t operator()(const ChannelMlpStep& op) const {
        return 2 * plan_.maps[*step_.output_map].pixels() * op.layout.channels * op.layout.hidden;
    }
    std::uint64_t operator()(const HeadStep& op) const {
        return op.layout.inputs * op.layout.outputs;
    }
    std::uint64_t operator()(const StatisticsStep&) const { return 0; }
    std::uint64_t operator()(const PoolMixStep&) const { return 0; }

  private:
    const SessionPlan& plan_;
    const Step& step_;
};

Description s12() {
    return tiny_description({.depths = {2, 2, 6, 2},
                             .channels = {64, 128, 320, 512},
                             .image_size = 224,
                             .classes = 1000});
}

bool overlap(Range a, Range b) {
    return a.begin < b.end && b.begin < a.end;
}

}  // namespace

// The most by which a run may overrun its deadline: what poolformer.h and docs/embedding.md say.
TEST_CASE("no step of S12 at 224x224 has more than an eleventh of the work") {
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        CAPTURE(std::string(table->name));
        const auto layout = lay_out(s12(), *table);
        REQUIRE(layout);
        const auto plan = plan_session(layout->model, 224, 224, InputFormat::nchw_f32, 1);
        REQUIRE(plan);
        std::uint64_t sum = 0, largest = 0;
        for (const Step& step : layout->model.steps) {
            const std::uint64_t macs = std::visit(CountMacs(*plan, step), step.op);
            sum += macs;
            largest = std::max(largest, macs);
        }
        CHECK(sum == plan->macs);
        CHECK(11 * largest <= sum);
        CHECK(12 * largest > sum);
    }
}

TEST_CASE("hidden values that threads share lie apart from what their step reads and writes") {
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        CAPTURE(std::string(table->name));
        const auto layout = lay_out(s12(), *table);
        REQUIRE(layout);
        for (const std::size_t side : {32, 224, 256}) {
            CAPTURE(side);
            const auto plan = plan_session(layout->model, side, side, InputFormat::nchw_f32, 2);
            REQUIRE(plan);
            std::size_t num_shared = 0;
            for (const Step& step : layout->model.steps) {
                const auto* op = std::get_if<ChannelMlpStep>(&step.op);
                if (op == nullptr) continue;
                const MapPlan& map = plan->maps[*step.input_map];
                if (!is_shared_by_channels(map.pixels())) continue;
                ++num_shared;
                const std::size_t hidden = plan->hidden_offset;
                const Range values{hidden, hidden + op->layout.padded_hidden() * map.pixels()};
                CHECK(values.end <= plan->shared_floats);
                CHECK(map.offset == plan->maps[*step.output_map].offset);
                CHECK(!overlap(values, {map.offset, map.offset + map.channels * map.pixels()}));
                for (const auto& index : {step.input_stats, step.output_stats}) {
                    if (!index) continue;
                    const StatsPlan& stats = plan->stats[*index];
                    CHECK(!overlap(values, {stats.offset, stats.offset + 2 * stats.capacity}));
                }
            }
            CHECK(num_shared == (side == 32 ? 12 : 2));
            const auto alone = plan_session(layout->model, side, side, InputFormat::nchw_f32, 1);
            REQUIRE(alone);
            CHECK(alone->shared_floats <= plan->shared_floats);
            CHECK((alone->shared_floats < plan->shared_floats) == (side == 32));
        }
    }
}

}  // namespace pf::test
