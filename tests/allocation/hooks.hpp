// Every allocation of the process, counted by who asks, and refused on demand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pf::test {

struct Counts {
    int ours = 0;
    int onednn = 0;  // inside kernels::Convolution, create() and execute()
};

void start_counting();
Counts stop_counting();

template <class Body>
Counts count_during(const Body& body) {
    start_counting();
    body();
    return stop_counting();
}

// Lets `number` allocations of ours pass and refuses the next, once. Whether it came to that is
// what stop_refusing() returns.
void start_refusing(int number);
bool stop_refusing();

// Blocks of memory that were given and not taken back.
int num_blocks();

}  // namespace pf::test
