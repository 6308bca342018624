// Search for NaN and infinity in a tensor, fast enough for every load.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/finite.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace pf {
namespace {

// In all three formats an element is finite unless every bit of its exponent is set.
template <class Bits>
std::optional<std::size_t> find_full_exponent(const Tensor& tensor, Bits exponent) {
    constexpr std::size_t kChunk = 1024;  // so that the first loop below has no branch
    const std::size_t size = tensor.size();
    for (std::size_t begin = 0; begin < size; begin += kChunk) {
        const std::size_t count = std::min(kChunk, size - begin);
        Bits values[kChunk];
        std::memcpy(values, tensor.data + begin * sizeof(Bits), count * sizeof(Bits));
        bool any = false;
        for (std::size_t i = 0; i < count; ++i) any |= (values[i] & exponent) == exponent;
        if (!any) continue;
        const Bits* first = std::find_if(values, values + count,
                                         [&](Bits bits) { return (bits & exponent) == exponent; });
        return begin + static_cast<std::size_t>(first - values);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> find_not_finite(const Tensor& tensor) {
    switch (tensor.dtype) {
        case Dtype::f16:
            return find_full_exponent<std::uint16_t>(tensor, 0x7c00);
        case Dtype::bf16:
            return find_full_exponent<std::uint16_t>(tensor, 0x7f80);
        case Dtype::f32:
            break;
    }
    return find_full_exponent<std::uint32_t>(tensor, 0x7f80'0000);
}

}  // namespace pf
