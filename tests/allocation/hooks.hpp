// Every allocation of the process, counted by who asks, and refused on demand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pf::test {

// By the library that asks: this program, or libdnnl. What the C and C++ libraries ask for is their
// caller's.
struct Counts {
    int ours = 0;
    int onednn = 0;
    int executions = 0;  // of oneDNN's primitives
};

void start_counting();
Counts stop_counting();

template <class Body>
Counts count_during(const Body& body) {
    start_counting();
    body();
    return stop_counting();
}

enum class Asker { program, onednn };

// Lets `number` allocations of one of them pass and refuses its next, once. Whether it came to that
// is what stop_refusing() returns. oneDNN 2.6.3 may crash, but for runs.
void start_refusing(Asker asker, int number);
bool stop_refusing();

// Lets the next making or executing of a primitive return this dnnl_status_t, and not happen.
void fail_next_primitive(int status);
constexpr int kOneDnnOutOfMemory = 1, kOneDnnRuntimeError = 5;

// What is held at the moment.
struct Held {
    long blocks = 0;        // of the heap
    long mapped_bytes = 0;  // by the engine
    long files = 0;         // descriptors that are open
};
Held held();

}  // namespace pf::test
