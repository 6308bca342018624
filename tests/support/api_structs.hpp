// The C interface's structs in tests, and its handles, which destroy themselves.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poolformer/poolformer.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace pf::test {

struct Destroy {
    void operator()(pf_model* model) const { pf_model_destroy(model); }
    void operator()(pf_session* session) const { pf_session_destroy(session); }
};
using ModelHandle = std::unique_ptr<pf_model, Destroy>;
using SessionHandle = std::unique_ptr<pf_session, Destroy>;

// A struct of this header's size.
template <class Struct>
Struct sized() {
    Struct value{};
    value.struct_size = sizeof value;
    return value;
}

// A run that reads all of `input` and writes all of `logits`, which must outlive it.
template <class Value>
pf_run request_of(std::size_t batch, const std::vector<Value>& input, std::vector<float>& logits) {
    auto run = sized<pf_run>();
    run.batch = batch;
    run.input = input.data();
    run.input_bytes = input.size() * sizeof(Value);
    run.logits = logits.data();
    run.num_logits = logits.size();
    return run;
}

// It writes all of these, too.
inline void want(pf_run& run, std::vector<float>& probabilities, std::vector<float>& features) {
    run.probabilities = probabilities.data();
    run.num_probabilities = probabilities.size();
    run.features = features.data();
    run.num_features = features.size();
}

}  // namespace pf::test
