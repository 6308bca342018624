// Patch-embedding convolutions by oneDNN: the image's in the engine, those of maps in tests and
// benchmarks. The only door to oneDNN: nothing else includes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/kernels.hpp"

namespace pf::kernels {

// One convolution of one image, or of a range of its output channel blocks. The source is planar
// for 3 input channels ([channels][height][width], the image) and blocked otherwise; the
// destination is blocked. Blocked channels are padded to the block with zeros, and computed like
// any other. Weights are packed (OnednnLayout): oneDNN's Ohwi{b}o for a planar source,
// OIhw{b}i{b}o for a blocked one, so the weights of a range of output blocks are one slice of the
// whole.
struct ConvolutionShape {
    std::size_t in_channels = 0;
    std::size_t in_height = 0;
    std::size_t in_width = 0;
    std::size_t out_channels = 0;  // of the range; a multiple of the block
    std::size_t kernel = 0;
    std::size_t stride = 0;
    std::size_t padding = 0;
    std::size_t block = 0;

    std::size_t out_height() const { return out_size(in_height); }
    std::size_t out_width() const { return out_size(in_width); }
    bool has_planar_source() const { return is_planar(in_channels); }

    static bool is_planar(std::size_t in_channels) { return in_channels == 3; }

  private:
    std::size_t out_size(std::size_t in_size) const {
        return (in_size + 2 * padding - kernel) / stride + 1;
    }
};

// Where the packed weights of a convolution lie.
struct OnednnLayout {
    std::size_t in_channels = 0;
    std::size_t out_channels = 0;
    std::size_t kernel = 0;
    std::size_t block = 0;

    // Proportional to the padded output channels.
    std::size_t weight_floats() const;
    std::size_t weight_index(std::size_t out, std::size_t in, std::size_t y, std::size_t x) const;
};

// Whether an implementation that oneDNN names so is fast, and within the instruction set: a forced
// lower set computes what a CPU of that set would. ref* and *gemm* are slow.
bool is_usable_implementation(const std::string& name, Isa isa);

enum class Execution { done, out_of_memory, failed };  // how oneDNN says it went

// A oneDNN primitive made for one thread, of a usable implementation. Executing needs no memory of
// its own but the scratch it is given (oneDNN itself makes a few small allocations a call). One
// thread at a time.
class Convolution {
  public:
    // Null if oneDNN has no usable implementation; `error` then says why. Where oneDNN is fast only
    // without padding (maps smaller than the kernel), the source is copied into a padded one first.
    // Null, too, once `exit` was called, which waits for those that are being made, unless the
    // first of the process is among them. Throws std::bad_alloc.
    static std::unique_ptr<Convolution> create(const ConvolutionShape& shape, Isa isa,
                                               std::string& error);
    ~Convolution();

    std::size_t scratch_bytes() const;          // a multiple of 64
    const std::string& implementation() const;  // such as "jit:avx2"

    // bias: [out_channels]. scratch: scratch_bytes(), 64-byte aligned.
    [[nodiscard]] Execution execute(const float* src, const float* weights, const float* bias,
                                    float* dst, std::byte* scratch) noexcept;

  private:
    struct Primitive;
    explicit Convolution(std::unique_ptr<Primitive> primitive);
    std::unique_ptr<Primitive> primitive_;
};

}  // namespace pf::kernels
