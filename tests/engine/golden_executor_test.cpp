// The fast executor against PyTorch, through the C API, on every instruction set of this CPU.
// SPDX-License-Identifier: Apache-2.0
//
// Suite "golden" takes seconds; "golden-large" runs the larger networks, and S12 often: too slow
// for a build with sanitizers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/support/api_session.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {
namespace {

constexpr double kTolerance = 1e-4;  // relative to the largest logit, or to a block's largest value
constexpr double kMaxRmsRatio = 1.5;
constexpr double kMinMargin = 1e-4;  // below it, the top class may differ

std::size_t top_class(const std::vector<double>& logits) {
    return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) -
                                    logits.begin());
}

double margin(std::vector<double> logits) {
    std::partial_sort(logits.begin(), logits.begin() + 2, logits.end(), std::greater<>());
    return logits[0] - logits[1];
}

void check_logits(const std::vector<double>& expected, const std::vector<float>& found) {
    const std::vector<double> values(found.begin(), found.end());
    CHECK(relative_error(expected, values) <= kTolerance);
    if (margin(expected) >= kMinMargin) CHECK(top_class(values) == top_class(expected));
}

void check_blocks(const GoldenNetwork& network, const TappedRun& found) {
    REQUIRE(found.taps.size() == network.blocks.size());
    double worst = 0;
    for (std::size_t i = 0; i < found.taps.size(); ++i) {
        CAPTURE(found.names[i]);
        CHECK(found.names[i] == network.blocks[i].name);
        const double error = relative_error(network.blocks[i], found.taps[i]);
        CHECK(error <= kTolerance);
        worst = std::max(worst, error);
    }
    MESSAGE(network.name << ": largest error of a block, relative to its largest value: " << worst);
}

void write_golden_model(const TemporaryFolder& folder, const GoldenHead& head) {
    write_model(folder, head.description, hash_weights(head.description, golden().weights_seed));
}

void check_network(const std::string& name) {
    const GoldenNetwork& network = golden().network(name);
    REQUIRE(network.heads.size() == 2);
    const std::vector<float> input = hash_input(network.input_seed, network.height, network.width);
    for (const GoldenHead& head : network.heads) {
        const TemporaryFolder folder;
        write_golden_model(folder, head);
        for (const std::string& isa : runnable_isas()) {
            CAPTURE(name);
            CAPTURE(isa);
            ApiSession session(folder.path(), isa, network.height, network.width);
            const TappedRun found = session.run_tapped(input);
            check_blocks(network, found);
            check_logits(head.logits, found.logits);
        }
    }
}

// The root mean square error over all logits of all inputs.
double rms_error(const GoldenRms& expected, ApiSession& session) {
    double squares = 0;
    std::size_t count = 0;
    for (std::size_t seed = 0; seed < expected.logits.size(); ++seed) {
        const std::vector<float> found = session.run(hash_input(seed, 224, 224));
        check_logits(expected.logits[seed], found);
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double error = found[i] - expected.logits[seed][i];
            squares += error * error;
            ++count;
        }
    }
    return std::sqrt(squares / static_cast<double>(count));
}

}  // namespace

TEST_SUITE("golden") {
    TEST_CASE("the executor equals PyTorch: S12 at 224x224, both heads") {
        check_network("s12_224x224");
    }

    TEST_CASE("the executor equals PyTorch: S12 at 65x64, both heads") {
        check_network("s12_65x64");
    }

    TEST_CASE("the executor equals PyTorch: S12 at other odd sizes, both heads") {
        for (const char* name : {"s12_97x131", "s12_225x193"}) check_network(name);
    }
}

TEST_SUITE("golden-large") {
    TEST_CASE("the executor equals PyTorch: the larger four at 224x224, both heads") {
        for (const char* size : {"s24", "s36", "m36", "m48"}) {
            check_network(std::string(size) + "_224x224");
        }
    }

    TEST_CASE("the executor's error is at most 1.5 times that of PyTorch in float32") {
        REQUIRE(golden().rms.size() == 2);  // one for each order of the head
        for (const GoldenRms& expected : golden().rms) {
            REQUIRE(expected.logits.size() >= 16);
            const TemporaryFolder folder;
            for (const GoldenHead& head : golden().network("s12_224x224").heads) {
                if (head.description.head.order == expected.head_order) {
                    write_golden_model(folder, head);
                }
            }
            for (const std::string& isa : runnable_isas()) {
                CAPTURE(isa);
                ApiSession session(folder.path(), isa, 224, 224);
                const double ratio = rms_error(expected, session) / expected.pytorch_float32_rms;
                CHECK(ratio <= kMaxRmsRatio);
                MESSAGE(isa << ": root mean square error over PyTorch float32's: " << ratio);
            }
        }
    }
}

}  // namespace pf::test
