// SafetensorsBytes: makes safetensors files in memory, right ones and, on request, wrong ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pf::test {

// The 8 bytes of a header length, then `header`, then `data`. The length is the header's own
// unless another one is given.
std::vector<std::byte> safetensors_file(std::string_view header, std::span<const std::byte> data,
                                        std::optional<std::uint64_t> length = std::nullopt);

// Collects tensors; every one follows the one before it.
class SafetensorsBytes {
  public:
    void add(const std::string& name, const std::string& dtype,
             const std::vector<std::size_t>& shape, std::span<const std::byte> data);

    std::string header() const;  // JSON, without padding
    std::span<const std::byte> data() const { return data_; }
    std::vector<std::byte> bytes() const { return safetensors_file(header(), data_); }

  private:
    std::string entries_;
    std::vector<std::byte> data_;
};

}  // namespace pf::test
