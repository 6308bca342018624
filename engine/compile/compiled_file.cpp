// The compiled file: checked field by field, laid out anew, and mapped.
// SPDX-License-Identifier: Apache-2.0
#include "engine/compile/compiled_file.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "engine/base/checksum.hpp"
#include "engine/compile/compile.hpp"
#include "engine/load/file_reader.hpp"
#include "engine/load/file_writer.hpp"
#include "engine/load/messages.hpp"
#include "engine/load/weights.hpp"
#include "kernels/dispatch.hpp"

namespace pf {
namespace {

using Bytes = std::span<const std::byte>;

constexpr char kMagic[8] = {'P', 'F', 'M', 'O', 'D', 'E', 'L', '\0'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kMaxFileBytes = std::size_t{16} << 30;

std::size_t weights_offset(std::size_t text_bytes) {
    return kernels::round_up(sizeof(CompiledHeader) + text_bytes, kPageBytes);
}

// Of the whole file, the header's own checksum being 0. `text` with the zeros after it.
std::uint64_t checksum_of(CompiledHeader header, Bytes text, Bytes weights) {
    header.checksum = 0;
    return checksum(weights, checksum(text, checksum(std::as_bytes(std::span(&header, 1)))));
}

bool is_magic(const char (&start)[sizeof kMagic]) {
    return std::memcmp(start, kMagic, sizeof kMagic) == 0;
}

Error no_compiled_model(const std::string& name) {
    return Error{ErrorCode::invalid_model,
                 name +
                     ": found no compiled model, it does not begin with \"PFMODEL\"; expected a "
                     "file of `poolformer compile`, or a folder with model.json and "
                     "model.safetensors"};
}

// Reads a compiled file's bytes, wherever they are.
class Reader {
  public:
    Reader(Bytes bytes, const std::string& name, const CompiledOptions& options)
        : bytes_(bytes), name_(name), options_(options) {}

    // The Model but for its weights; sets where they are.
    Result<Model> read() {
        if (Status status = read_header(); !status) return status.error();
        if (Status status = choose_table(); !status) return status.error();
        const Bytes text_bytes = bytes_.first(header_.weights_offset).subspan(sizeof header_);
        if (checksum_of(header_, text_bytes, weights()) != header_.checksum) {
            return invalid("the checksum differs: the file is damaged, copy or compile it again");
        }
        const std::string text(reinterpret_cast<const char*>(bytes_.data()) + sizeof header_,
                               header_.text_bytes);
        auto description = read_description(text, name_ + ": model.json");
        if (!description) return description.error();
        if (Status status = check_matrices(*description); !status) return status.error();
        auto layout = lay_out(*description, *table_);
        if (!layout) return layout.error();
        if (layout->weight_floats * sizeof(float) != header_.weight_bytes) {
            return expected("weight_bytes", header_.weight_bytes,
                            std::to_string(layout->weight_floats * sizeof(float)));
        }
        if (layout->model.num_parameters != header_.num_parameters) {
            return expected("num_parameters", header_.num_parameters,
                            std::to_string(layout->model.num_parameters));
        }
        layout->model.text = text;
        return std::move(layout->model);
    }

    // Once the header is known to be right.
    Bytes weights() const { return bytes_.subspan(header_.weights_offset); }
    std::size_t num_floats() const { return header_.weight_bytes / sizeof(float); }

  private:
    Error invalid(const std::string& problem) const {
        return Error{ErrorCode::invalid_model, name_ + ": " + problem};
    }
    Error unsupported(const std::string& problem) const {
        return Error{ErrorCode::unsupported, name_ + ": " + problem};
    }
    Error expected(const char* field, std::uint64_t found, const std::string& what) const {
        return invalid(std::string(field) + ": found " + std::to_string(found) + ", expected " +
                       what);
    }

    Status read_header() {
        if (bytes_.size() < sizeof header_) {
            return invalid("found " + std::to_string(bytes_.size()) +
                           " bytes, expected a compiled model of at least " +
                           std::to_string(sizeof header_));
        }
        std::memcpy(&header_, bytes_.data(), sizeof header_);
        if (!is_magic(header_.magic)) return no_compiled_model(name_);
        if (header_.version != kVersion || header_.packing != kPackingVersion) {
            return unsupported("found version " + std::to_string(header_.version) +
                               " with packing " + std::to_string(header_.packing) + ", expected " +
                               std::to_string(kVersion) + " with " +
                               std::to_string(kPackingVersion) +
                               ": compile the model again with this version");
        }
        // Compared with what is left, so that no sum can overflow.
        const std::size_t rest = bytes_.size() - sizeof header_;
        if (header_.text_bytes > rest) {
            return expected("text_bytes", header_.text_bytes, "at most " + std::to_string(rest));
        }
        const std::size_t offset = weights_offset(header_.text_bytes);
        if (header_.weights_offset != offset || offset > bytes_.size()) {
            return expected("weights_offset", header_.weights_offset,
                            std::to_string(offset) + " in a file of " +
                                std::to_string(bytes_.size()) + " bytes");
        }
        if (header_.weight_bytes != bytes_.size() - offset) {
            return invalid("found " + std::to_string(bytes_.size()) + " bytes, expected " +
                           std::to_string(offset) + " and weight_bytes, " +
                           std::to_string(header_.weight_bytes) + ": copy or compile it again");
        }
        return {};
    }

    Status choose_table() {
        const std::string isa(header_.isa, std::find(header_.isa, std::end(header_.isa), '\0'));
        table_ = kernels::find_table(isa);
        if (table_ == nullptr) return unsupported("unknown instruction set " + in_quotes(isa));
        if (header_.block != table_->block || header_.panel != table_->panel) {
            return unsupported("found blocks of " + std::to_string(header_.block) +
                               " channels and panels of " + std::to_string(header_.panel) +
                               ", expected " + std::to_string(table_->block) + " and " +
                               std::to_string(table_->panel));
        }
        if (!options_.isa.empty() && options_.isa != isa) {
            return unsupported("compiled for " + isa + ", asked for " + in_quotes(options_.isa) +
                               ": ask for " + isa + ", or compile the model for the other");
        }
        if (!kernels::cpu_can_run(*table_)) {
            return unsupported("compiled for " + isa +
                               ", which this CPU cannot run: compile the model on this machine");
        }
        return {};
    }

    // No matrix, and so nothing that laying out allocates, is larger than what the file holds.
    Status check_matrices(const Description& description) const {
        std::size_t left = num_floats();
        for (const TensorSpec& spec : expected_tensors(description)) {
            if (spec.shape.size() < 2) continue;
            std::size_t size = 1;
            for (const std::size_t side : spec.shape) {
                if (side > left / size) {
                    return expected("weight_bytes", header_.weight_bytes,
                                    "more: tensor " + in_quotes(spec.name) + " of shape " +
                                        shape_text(spec.shape) + " does not fit");
                }
                size *= side;
            }
            left -= size;
        }
        return {};
    }

    Bytes bytes_;
    const std::string& name_;
    const CompiledOptions& options_;
    CompiledHeader header_{};
    const kernels::KernelTable* table_ = nullptr;
};

Status copy_weights(Bytes weights, const Allocator& allocator, Model& model) {
    auto copy = AlignedBuffer::allocate(weights.size() / sizeof(float), allocator);
    if (!copy) return copy.error();
    std::memcpy(copy->data(), weights.data(), weights.size());
    model.weights = std::move(*copy);
    return {};
}

CompiledHeader header_of(const Model& model) {
    const std::string_view isa = model.kernels->name;
    CompiledHeader header{};
    std::copy(std::begin(kMagic), std::end(kMagic), header.magic);
    header.version = kVersion;
    header.packing = kPackingVersion;
    std::copy(isa.begin(), isa.end(), header.isa);
    header.block = static_cast<std::uint32_t>(model.kernels->block);
    header.panel = static_cast<std::uint32_t>(model.kernels->panel);
    header.num_parameters = model.num_parameters;
    header.text_bytes = model.text.size();
    header.weights_offset = weights_offset(model.text.size());
    header.weight_bytes = model.weights.size() * sizeof(float);
    return header;
}

// Never mapped: whoever shortens a file takes mapped pages away from who reads them.
Result<Model> load_copy(FileReader& reader, std::span<const char> magic, const std::string& file,
                        const CompiledOptions& options) {
    auto content = AlignedBuffer::allocate(kernels::divide_up(reader.size(), sizeof(float)));
    if (!content) return content.error();
    const auto bytes = std::as_writable_bytes(content->floats()).first(reader.size());
    std::memcpy(bytes.data(), magic.data(), magic.size());
    if (Status status = reader.read(bytes.subspan(magic.size())); !status) return status.error();
    return load_compiled_bytes(bytes, file, options);
}

}  // namespace

bool is_file(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

Result<Model> load_compiled_file(const std::string& file, const CompiledOptions& options) {
    auto reader = FileReader::open(file, kMaxFileBytes);
    if (!reader) return reader.error();
    // First, as any file of 16 GiB may be named here.
    char start[sizeof kMagic] = {};
    const std::span magic(start, std::min(reader->size(), sizeof start));
    if (Status status = reader->read(std::as_writable_bytes(magic)); !status) return status.error();
    if (!is_magic(start)) return no_compiled_model(file);
    if (options.memory == WeightMemory::copied) return load_copy(*reader, magic, file, options);
    const auto bytes = reader->map();
    if (!bytes) return bytes.error();
    AlignedBuffer mapping = AlignedBuffer::adopt_mapping(*bytes);  // unmaps it if nobody keeps it
    auto model = load_compiled_bytes(*bytes, file, options);
    if (!model) return model;
    // The model only borrowed them from the mapping; now it keeps it.
    const Bytes weights = std::as_bytes(std::as_const(model->weights).floats());
    mapping.show(static_cast<std::size_t>(weights.data() - bytes->data()), model->weights.size());
    model->weights = std::move(mapping);
    return model;
}

Result<Model> load_compiled_bytes(Bytes bytes, const std::string& name,
                                  const CompiledOptions& options) {
    constexpr std::uintptr_t kAlignment = 64;
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment != 0) {
        return Error{ErrorCode::invalid_argument,
                     name + ": found an address that is no multiple of 64, expected one"};
    }
    Reader content(bytes, name, options);
    auto model = content.read();
    if (!model) return model;
    if (options.memory == WeightMemory::copied) {
        if (Status status = copy_weights(content.weights(), options.allocator, *model); !status) {
            return status.error();
        }
        return model;
    }
    const auto* floats = reinterpret_cast<const float*>(content.weights().data());
    model->weights = AlignedBuffer::borrow(floats, content.num_floats());
    return model;
}

Status save_compiled_file(const Model& model, const std::string& file) {
    CompiledHeader header = header_of(model);
    std::vector<std::byte> text(header.weights_offset - sizeof header);
    std::memcpy(text.data(), model.text.data(), model.text.size());
    const Bytes weights = std::as_bytes(model.weights.floats());
    header.checksum = checksum_of(header, text, weights);

    auto writer = FileWriter::create(file);
    if (!writer) return writer.error();
    for (const Bytes part : {std::as_bytes(std::span(&header, 1)), Bytes(text), weights}) {
        if (Status status = writer->write(part); !status) return status;
    }
    return writer->commit();
}

}  // namespace pf
