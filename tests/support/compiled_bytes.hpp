// Compiled files in memory, to be damaged and signed again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "engine/load/weights.hpp"

namespace pf::test {

// Zeroed bytes at a multiple of 64, and none behind them.
class AlignedBytes {
  public:
    explicit AlignedBytes(std::size_t size);

    std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
    std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

  private:
    struct Delete {
        void operator()(std::byte* memory) const {
            operator delete[](memory, std::align_val_t(64));
        }
    };
    std::unique_ptr<std::byte[], Delete> bytes_;
    std::size_t size_ = 0;
};

// A copy of `bytes`, cut or filled up with zeros to `size`.
AlignedBytes resized(std::span<const std::byte> bytes, std::size_t size);

// The compiled file of a model for chosen_kernels().
AlignedBytes compiled_bytes(LoadedModel loaded);

// Gives the file the checksum it should have, as a forger would; does nothing to one without a
// header that leads to its parts.
void sign(std::span<std::byte> file);

}  // namespace pf::test
