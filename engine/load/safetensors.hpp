// The header of a safetensors file: which tensors it holds and where their bytes are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/load/weights.hpp"

namespace pf {

// Layout: 8 bytes little-endian N, N bytes of JSON (the header), then the tensors' data.
inline constexpr std::size_t kSafetensorsPrefixBytes = 8;

struct SafetensorsEntry {
    std::string name;
    Dtype dtype = Dtype::f32;
    std::vector<std::size_t> shape;
    std::size_t begin = 0;  // first byte, counted from the start of the file
    std::size_t end = 0;    // one past the last
};

std::size_t dtype_bytes(Dtype dtype);

// Reads N and checks it against the 16 MiB limit and the file's size. `prefix`: the file's first
// 8 bytes, or all of a shorter file.
Result<std::size_t> read_header_size(std::span<const std::byte> prefix, std::size_t file_bytes,
                                     const std::string& file);

// Parses the header, the JSON text behind the prefix, of a file of `file_bytes` bytes. Stricter
// than the reference reader: each entry has exactly dtype, shape and data_offsets, all numbers are
// plain non-negative integers, no name occurs twice, offsets tile the data without hole or overlap,
// sizes match shapes, and only F32, F16 and BF16 are known. Entries come in file order.
Result<std::vector<SafetensorsEntry>> parse_safetensors_header(std::string_view header,
                                                               std::size_t file_bytes,
                                                               const std::string& file);

}  // namespace pf
