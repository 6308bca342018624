// Patch-embedding convolutions by oneDNN.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/onednn/convolution.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>

#include "kernels/onednn/exit_gate.hpp"

namespace pf::kernels {
namespace {

// oneDNN fixes a primitive's thread count when it is made, to OpenMP's setting of the creating
// thread. It is looked up, not linked: a oneDNN built without OpenMP brings none.
class OneOpenMpThread {
  public:
    OneOpenMpThread() {
        using Get = int (*)();
        const auto get = reinterpret_cast<Get>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
        set_ = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
        if (get == nullptr || set_ == nullptr) return;
        before_ = get();
        set_(1);
    }
    ~OneOpenMpThread() {
        if (before_ > 0) set_(before_);
    }
    OneOpenMpThread(const OneOpenMpThread&) = delete;
    OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

  private:
    using Set = void (*)(int);
    Set set_ = nullptr;
    int before_ = 0;
};

constinit ExitGate exit_gate;

// While it lives, and is_open, exit waits for it.
class InsideGate {
  public:
    InsideGate() : is_open(exit_gate.enter()) {}
    ~InsideGate() {
        if (is_open) exit_gate.leave();
    }
    InsideGate(const InsideGate&) = delete;
    InsideGate& operator=(const InsideGate&) = delete;

    const bool is_open;
};

// To be called behind a primitive: exit destroys in the reverse order of making, so this closes the
// gate before the objects go that oneDNN has made with its first primitive, and until then.
void close_gate_at_exit() {
    [[maybe_unused]] static const int registered = std::atexit([] { exit_gate.close(); });
}

using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

std::int64_t signed_size(std::size_t size) {
    return static_cast<std::int64_t>(size);
}

struct Descriptors {
    dnnl::memory::desc src, weights, bias, dst;
};

Descriptors describe(const ConvolutionShape& shape) {
    const auto f32 = dnnl::memory::data_type::f32;
    const bool planar = shape.has_planar_source();
    const auto in =
        signed_size(planar ? shape.in_channels : round_up(shape.in_channels, shape.block));
    const auto out = signed_size(shape.out_channels);
    const auto kernel = signed_size(shape.kernel);
    const bool wide = shape.block == 16;
    const Tag map = wide ? Tag::nChw16c : Tag::nChw8c;
    const Tag planar_weights = wide ? Tag::Ohwi16o : Tag::Ohwi8o;
    const Tag blocked_weights = wide ? Tag::OIhw16i16o : Tag::OIhw8i8o;
    const Dims src = {1, in, signed_size(shape.in_height), signed_size(shape.in_width)};
    const Dims dst = {1, out, signed_size(shape.out_height()), signed_size(shape.out_width())};
    return {
        {src, f32, planar ? Tag::nchw : map},
        {{out, in, kernel, kernel}, f32, planar ? planar_weights : blocked_weights},
        {{out}, f32, Tag::x},
        {dst, f32, map},
    };
}

// The descriptor of the first usable implementation, or nothing; adds the others' names to
// `refused`.
std::optional<PrimitiveDesc> find_usable(const ConvolutionShape& shape, Isa isa,
                                         const dnnl::engine& engine, std::string& refused) {
    const Descriptors d = describe(shape);
    const auto kind = dnnl::prop_kind::forward_inference;
    const auto algorithm = dnnl::algorithm::convolution_direct;
    const Dims strides(2, signed_size(shape.stride));
    const Dims padding(2, signed_size(shape.padding));
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);  // whatever the process has set
#if DNNL_VERSION_MAJOR >= 3
    PrimitiveDesc desc(engine, kind, algorithm, d.src, d.weights, d.bias, d.dst, strides, padding,
                       padding, attributes);
#else
    // 2.x describes the operation first, and next_impl() still reads that description.
    const dnnl::convolution_forward::desc operation(kind, algorithm, d.src, d.weights, d.bias,
                                                    d.dst, strides, padding, padding);
    PrimitiveDesc desc(operation, attributes, engine);
#endif
    do {
        const std::string name = desc.impl_info_str();
        if (is_usable_implementation(name, isa)) return desc;
        refused += (refused.empty() ? "" : ", ") + name;
    } while (desc.next_impl());
    return std::nullopt;
}

// The same convolution of a source that already has its border of zeros.
ConvolutionShape with_padded_source(ConvolutionShape shape) {
    shape.in_height += 2 * shape.padding;
    shape.in_width += 2 * shape.padding;
    shape.padding = 0;
    return shape;
}

// Writes `src` with `shape.padding` zeros around each plane of pixels to `dst`.
void pad_source(const ConvolutionShape& shape, const float* src, float* dst) {
    const bool planar = shape.has_planar_source();
    const std::size_t planes =
        planar ? shape.in_channels : divide_up(shape.in_channels, shape.block);
    const std::size_t pixel = planar ? 1 : shape.block;
    const std::size_t row = shape.in_width * pixel;
    const std::size_t border = shape.padding * pixel;
    for (std::size_t plane = 0; plane < planes; ++plane) {
        dst = std::fill_n(dst, shape.padding * (row + 2 * border), 0.0f);
        for (std::size_t y = 0; y < shape.in_height; ++y, src += row) {
            dst = std::fill_n(dst, border, 0.0f);
            dst = std::copy_n(src, row, dst);
            dst = std::fill_n(dst, border, 0.0f);
        }
        dst = std::fill_n(dst, shape.padding * (row + 2 * border), 0.0f);
    }
}

}  // namespace

std::size_t OnednnLayout::weight_floats() const {
    const bool planar = ConvolutionShape::is_planar(in_channels);
    const std::size_t inputs = planar ? in_channels : round_up(in_channels, block);
    return round_up(out_channels, block) * inputs * kernel * kernel;
}

std::size_t OnednnLayout::weight_index(std::size_t out, std::size_t in, std::size_t y,
                                       std::size_t x) const {
    if (ConvolutionShape::is_planar(in_channels)) {
        const std::size_t tap = (out / block * kernel + y) * kernel + x;
        return (tap * in_channels + in) * block + out % block;
    }
    const std::size_t in_blocks = divide_up(in_channels, block);
    const std::size_t tap = ((out / block * in_blocks + in / block) * kernel + y) * kernel + x;
    return (tap * block + in % block) * block + out % block;
}

bool is_usable_implementation(const std::string& name, Isa isa) {
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    if (!has("jit") || has("gemm") || has("ref")) return false;
    if (has("avx512")) return isa == Isa::avx512;
    return isa != Isa::sse4_1 || !has("avx");
}

struct Convolution::Primitive {
    ConvolutionShape shape;
    bool pads_source;  // the primitive has no padding of its own
    dnnl::stream stream;
    dnnl::convolution_forward run;
    dnnl::memory src, weights, bias, dst, scratchpad;
    // The C interface's: dnnl.hpp would copy a map of them to the heap in every run.
    std::array<dnnl_exec_arg_t, 5> arguments;
    std::string implementation;
    std::size_t scratchpad_bytes;     // oneDNN's own
    std::size_t padded_source_bytes;  // behind it

    Primitive(const ConvolutionShape& of, bool pads, const PrimitiveDesc& desc,
              const dnnl::engine& engine)
        : shape(of),
          pads_source(pads),
          stream(engine),
          run(desc),
          src(desc.src_desc(), engine, nullptr),
          weights(desc.weights_desc(), engine, nullptr),
          bias(desc.bias_desc(), engine, nullptr),
          dst(desc.dst_desc(), engine, nullptr),
          scratchpad(desc.scratchpad_desc(), engine, nullptr),
          arguments{{{DNNL_ARG_SRC, src.get()},
                     {DNNL_ARG_WEIGHTS, weights.get()},
                     {DNNL_ARG_BIAS, bias.get()},
                     {DNNL_ARG_DST, dst.get()},
                     {DNNL_ARG_SCRATCHPAD, scratchpad.get()}}},
          implementation(desc.impl_info_str()),
          scratchpad_bytes(round_up(desc.scratchpad_desc().get_size(), 64)),
          padded_source_bytes(pads ? round_up(desc.src_desc().get_size(), 64) : 0) {}
};

Convolution::Convolution(std::unique_ptr<Primitive> primitive) : primitive_(std::move(primitive)) {}
Convolution::~Convolution() = default;

std::unique_ptr<Convolution> Convolution::create(const ConvolutionShape& shape, Isa isa,
                                                 std::string& error) {
    // ThreadSanitizer sees a race in oneDNN 2.6.3's cache when two threads make the same primitive.
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const InsideGate inside;
    if (!inside.is_open) {
        error = "the process is ending, and oneDNN with it";
        return nullptr;
    }
    const OneOpenMpThread one_thread;
    try {
        const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
        std::string refused;
        for (const bool pads : {false, true}) {
            const auto desc =
                find_usable(pads ? with_padded_source(shape) : shape, isa, engine, refused);
            if (!desc) continue;
            auto primitive = std::make_unique<Primitive>(shape, pads, *desc, engine);
            close_gate_at_exit();
            return std::unique_ptr<Convolution>(new Convolution(std::move(primitive)));
        }
        error = "oneDNN offers only slow implementations (" + refused +
                "); is ONEDNN_MAX_CPU_ISA or DNNL_MAX_CPU_ISA set?";
    } catch (const dnnl::error& failure) {
        if (failure.status == dnnl_out_of_memory) throw std::bad_alloc();
        error = std::string("oneDNN: ") + failure.what();
    }
    return nullptr;
}

std::size_t Convolution::scratch_bytes() const {
    return primitive_->scratchpad_bytes + primitive_->padded_source_bytes;
}

const std::string& Convolution::implementation() const {
    return primitive_->implementation;
}

Execution Convolution::execute(const float* src, const float* weights, const float* bias,
                               float* dst, std::byte* scratch) noexcept {
    const Primitive& p = *primitive_;
    if (p.pads_source) {
        float* padded = reinterpret_cast<float*>(scratch + p.scratchpad_bytes);
        pad_source(p.shape, src, padded);
        src = padded;
    }
    dnnl_status_t status = dnnl_success;
    const auto point = [&](const dnnl::memory& memory, const void* data) {
        // oneDNN's handles are not const; it writes to none but `dst` and the scratchpad.
        if (status != dnnl_success) return;
        status = dnnl_memory_set_data_handle(memory.get(), const_cast<void*>(data));
    };
    try {  // its interface is C, and yet 2.6.3 lets std::bad_alloc out
        point(p.src, src);
        point(p.weights, weights);
        point(p.bias, bias);
        point(p.dst, dst);
        if (p.scratchpad_bytes > 0) point(p.scratchpad, scratch);
        if (status == dnnl_success) {
            status =
                dnnl_primitive_execute(p.run.get(), p.stream.get(),
                                       static_cast<int>(p.arguments.size()), p.arguments.data());
        }
        if (status == dnnl_success) status = dnnl_stream_wait(p.stream.get());
    } catch (const std::bad_alloc&) {
        return Execution::out_of_memory;
    } catch (...) {
        return Execution::failed;
    }
    if (status == dnnl_success) return Execution::done;
    return status == dnnl_out_of_memory ? Execution::out_of_memory : Execution::failed;
}

}  // namespace pf::kernels
