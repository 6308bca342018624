// Environment: where a measurement was made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace pf::cli {

struct Environment {
    std::string cpu;     // model name, as the operating system tells it
    std::string system;  // kernel and its release
    std::string compiler;
    std::string version;  // of poolformer.cpp
    std::size_t num_cpus = 0;
    std::size_t cpu_budget = 0;  // of those, what this process may use
};

Environment describe_environment();

}  // namespace pf::cli
