// The compiled file: a Model as one file, mapped read-only and shared by the processes that use it.
// SPDX-License-Identifier: Apache-2.0
//
// Little-endian; offsets in bytes from the beginning:
//     CompiledHeader | model.json's text | zeros up to a page | packed weights
// The header ties it to one instruction set and one way of packing. Nothing in it says where a
// step's weights lie: the steps are made anew from the text, and the sizes must come out as the
// file's.
#pragma once

#include <span>
#include <string>

#include "engine/base/result.hpp"
#include "engine/compile/model.hpp"

namespace pf {

// To be raised with any change of what pack_weights writes, or of the order of the steps or of what
// they reserve.
inline constexpr std::uint32_t kPackingVersion = 4;

struct CompiledHeader {
    char magic[8];          // "PFMODEL\0"
    std::uint32_t version;  // of this header: 1
    std::uint32_t packing;  // kPackingVersion
    char isa[16];           // "avx2", filled up with zeros
    std::uint32_t block;    // as in KernelTable
    std::uint32_t panel;
    std::uint64_t num_parameters;  // of the network
    std::uint64_t text_bytes;
    std::uint64_t weights_offset;  // a multiple of 4096
    std::uint64_t weight_bytes;    // up to the end of the file
    std::uint64_t checksum;        // of all of the file, this field being 0
};

// How the weights of a compiled file come into memory.
enum class WeightMemory {
    mapped,  // the file's own pages, shared
    copied,  // memory of this process, in huge pages if there are any
};

struct CompiledOptions {
    std::string isa = {};  // what the caller asked for, or "": the file's own
    WeightMemory memory = WeightMemory::mapped;
    Allocator allocator = {};  // for copied weights
};

// Whether `path` is a file, for load_compiled_file to read or to refuse: any other model is a
// folder.
bool is_file(const std::string& path);

// Every field is checked against the file's size, the text and this build before it is used. Fails
// with `invalid_model`, or `unsupported` if this CPU or this version cannot run it.
Result<Model> load_compiled_file(const std::string& file, const CompiledOptions& options);

// The same on bytes that outlive the model, aligned to 64 bytes; `name` stands for them in errors.
Result<Model> load_compiled_bytes(std::span<const std::byte> bytes, const std::string& name,
                                  const CompiledOptions& options);

// Replaces `file` when the new one is complete, or leaves it as it was.
Status save_compiled_file(const Model& model, const std::string& file);

}  // namespace pf
