// Environment: where a measurement was made.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/environment.hpp"

#include <poolformer/poolformer.h>
#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "engine/run/cpu_budget.hpp"

namespace pf::cli {
namespace {

std::string cpu_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(": ");
        if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
            return line.substr(colon + 2);
        }
    }
    return "unknown";
}

std::string system_name() {
    utsname names;
    if (::uname(&names) != 0) return "unknown";
    return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

}  // namespace

Environment describe_environment() {
    return {
        cpu_model(), system_name(), PF_COMPILER, pf_version(), std::thread::hardware_concurrency(),
        cpu_budget()};
}

}  // namespace pf::cli
