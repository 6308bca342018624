// What crosses the C interface: handles, errors, structs of older headers, log lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "engine/base/allocator.hpp"
#include "engine/base/float_state.hpp"
#include "engine/compile/model.hpp"
#include "engine/run/session.hpp"
#include "poolformer/poolformer.h"

struct pf_model {
    std::shared_ptr<const pf::Model> model;
};

struct pf_team {
    std::shared_ptr<pf::ThreadTeam> team;
};

struct pf_session {
    std::unique_ptr<pf::Session> session;
    std::uint64_t timeout_us;  // of runs without their own; 0: none
};

namespace pf::api {

// Keeps the message for pf_last_error. Never throws: if even the message finds no memory, the
// status still tells.
pf_status fail(const Error& error) noexcept;
pf_status fail(const std::exception& failure) noexcept;
// The same for words that live as long as the library. Allocates nothing.
pf_status fail(ErrorCode code, const char* literal) noexcept;

pf_status null_argument(const char* name);
// "NAME: found FOUND, expected EXPECTED"
pf_status wrong_argument(const char* name, std::size_t found, const std::string& expected);

// While it lives, pthread_cancel of this thread waits: to unwind it from in here would end the
// process.
class CancelBlock {
  public:
    CancelBlock() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~CancelBlock() { pthread_setcancelstate(before_, nullptr); }
    CancelBlock(const CancelBlock&) = delete;
    CancelBlock& operator=(const CancelBlock&) = delete;

  private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

// What a function of the interface keeps out: cancellation, and the caller's floating-point state,
// or loading, packing and pre-processing would round as that says.
struct Shield {
    FloatState state{Subnormals::kept};
    CancelBlock no_cancel;
};

// Runs `body`, which returns a pf_status, behind a Shield, and lets no exception out.
template <class Body>
pf_status guard(const Body& body) noexcept {
    const Shield shield;
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "out of memory");
    } catch (const std::exception& failure) {
        return fail(failure);
    } catch (...) {
        return fail(ErrorCode::internal, "unknown exception");
    }
}

// That a caller's struct says its size.
pf_status check_struct_size(std::size_t found, std::size_t expected);
// That a struct of `bytes` bytes has nothing but zeros behind the `known` ones.
pf_status check_tail(const void* options, std::size_t bytes, std::size_t known);

// Copies as much of `full` as the caller's struct, compiled against an older header, has room for.
template <class Info>
pf_status give(const Info& full, Info* out) {
    const std::size_t room = out->struct_size;
    if (pf_status status = check_struct_size(room, sizeof(Info)); status != PF_OK) return status;
    std::memcpy(out, &full, std::min(room, sizeof(Info)));
    out->struct_size = room;
    return PF_OK;
}

// The caller's options; what an older header does not have keeps its default, which is zero. What
// only a newer one has must be zero.
template <class Options>
pf_status take(const Options* options, Options& taken) {
    taken = {};
    if (options == nullptr) return PF_OK;
    const std::size_t bytes = options->struct_size;
    if (pf_status status = check_struct_size(bytes, sizeof(Options)); status != PF_OK) {
        return status;
    }
    std::memcpy(&taken, options, std::min(bytes, sizeof(Options)));
    return check_tail(options, bytes, sizeof(Options));
}

// The caller's allocator; none if it gave none.
Allocator allocator_of(const pf_allocator* allocator);
pf_status check_allocator(const pf_allocator* allocator);

// The caller's CPUs, or none; each a number that an affinity mask has room for.
pf_status check_cpus(const int* cpus, std::size_t num_cpus);

// Whether two of the caller's buffers have bytes in common.
bool overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes);

// "1.5 MiB"
std::string mebibytes(std::size_t bytes);

}  // namespace pf::api
