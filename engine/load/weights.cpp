// Weights: reads model.safetensors and checks it against what the description calls for.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/weights.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "engine/base/check.hpp"
#include "engine/load/file_reader.hpp"
#include "engine/load/finite.hpp"
#include "engine/load/messages.hpp"
#include "engine/load/safetensors.hpp"

namespace pf {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 30;

using Entries = std::vector<SafetensorsEntry>;

Error wrong_tensor(const std::string& file, const std::string& name, const std::string& problem) {
    return Error{ErrorCode::invalid_model, file + ": tensor " + in_quotes(name) + ": " + problem +
                                               ": was it exported together with its model.json?"};
}

// Exactly the expected tensors, each of the expected shape.
Status check_expected(const Entries& entries, const std::vector<TensorSpec>& specs,
                      const std::string& file) {
    std::map<std::string_view, const SafetensorsEntry*> unclaimed;
    for (const SafetensorsEntry& entry : entries) unclaimed.emplace(entry.name, &entry);
    for (const TensorSpec& spec : specs) {
        const auto found = unclaimed.find(spec.name);
        if (found == unclaimed.end()) {
            return wrong_tensor(file, spec.name,
                                "missing, expected shape " + shape_text(spec.shape));
        }
        if (found->second->shape != spec.shape) {
            return wrong_tensor(file, spec.name,
                                "found shape " + shape_text(found->second->shape) + ", expected " +
                                    shape_text(spec.shape));
        }
        unclaimed.erase(found);
    }
    if (unclaimed.empty()) return {};
    return wrong_tensor(file, unclaimed.begin()->second->name,
                        "unexpected, model.json calls for no such tensor");
}

// The entries of the header that `bytes` begins with. Once they are checked, the tensors that the
// description calls for are known to fill exactly the file's own size.
Result<Entries> read_entries(std::span<const std::byte> bytes, std::size_t file_bytes,
                             const std::string& file, const Description& description) {
    const Result<std::size_t> header_bytes = read_header_size(bytes, file_bytes, file);
    if (!header_bytes) return header_bytes.error();
    const auto text = bytes.subspan(kSafetensorsPrefixBytes, *header_bytes);
    Result<Entries> entries = parse_safetensors_header(
        {reinterpret_cast<const char*>(text.data()), text.size()}, file_bytes, file);
    if (!entries) return entries.error();
    const Status status = check_expected(*entries, expected_tensors(description), file);
    if (!status) return status.error();
    return entries;
}

// Grows `bytes` to `size` and reads what is new.
Status read_up_to(FileReader& reader, std::size_t size, std::vector<std::byte>& bytes,
                  const std::string& file) {
    const std::size_t already = bytes.size();
    try {
        bytes.resize(size);
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     file + ": cannot allocate its " + std::to_string(size) + " bytes"};
    }
    return reader.read(std::span(bytes).subspan(already));
}

}  // namespace

Result<Weights> Weights::load(const std::string& file, const Description& description) {
    Result<FileReader> reader = FileReader::open(file, kMaxFileBytes);
    if (!reader) return reader.error();
    const std::size_t size = reader->size();
    std::vector<std::byte> bytes;
    const std::size_t prefix = std::min(size, kSafetensorsPrefixBytes);
    if (Status status = read_up_to(*reader, prefix, bytes, file); !status) return status.error();
    const Result<std::size_t> header = read_header_size(bytes, size, file);
    if (!header) return header.error();
    if (Status status = read_up_to(*reader, prefix + *header, bytes, file); !status) {
        return status.error();
    }
    const Result<Entries> entries = read_entries(bytes, size, file, description);
    if (!entries) return entries.error();
    if (Status status = read_up_to(*reader, size, bytes, file); !status) return status.error();
    return assemble(std::move(bytes), *entries, file);
}

Result<Weights> Weights::from_bytes(std::vector<std::byte> bytes, const std::string& file,
                                    const Description& description) {
    const Result<Entries> entries = read_entries(bytes, bytes.size(), file, description);
    if (!entries) return entries.error();
    return assemble(std::move(bytes), *entries, file);
}

Result<Weights> Weights::zeros(const Description& description) {
    Weights weights;
    std::size_t largest = 0;
    for (TensorSpec& spec : expected_tensors(description)) {
        Tensor tensor{Dtype::f32, std::move(spec.shape), nullptr};
        largest = std::max(largest, tensor.size());
        weights.tensors_.emplace(std::move(spec.name), std::move(tensor));
    }
    auto zeros = AlignedBuffer::allocate(largest);
    if (!zeros) return zeros.error();
    weights.zeros_ = std::move(*zeros);
    for (auto& [name, tensor] : weights.tensors_) {
        tensor.data = reinterpret_cast<const std::byte*>(weights.zeros_.data());
    }
    return weights;
}

Result<Weights> Weights::assemble(std::vector<std::byte> bytes, const Entries& entries,
                                  const std::string& file) {
    Weights weights;
    weights.bytes_ = std::move(bytes);
    for (const SafetensorsEntry& entry : entries) {
        const Tensor tensor{entry.dtype, entry.shape, weights.bytes_.data() + entry.begin};
        if (const auto index = find_not_finite(tensor)) {
            return Error{ErrorCode::invalid_model,
                         file + ": tensor " + in_quotes(entry.name) + ": found " +
                             std::to_string(tensor.value(*index)) + " at index " +
                             std::to_string(*index) + ", expected finite values"};
        }
        weights.tensors_.emplace(entry.name, tensor);
    }
    return weights;
}

const Tensor& Weights::at(std::string_view name) const {
    const auto found = tensors_.find(name);
    PF_DCHECK(found != tensors_.end());
    return found->second;
}

std::size_t Weights::num_parameters() const {
    std::size_t count = 0;
    for (const auto& [name, tensor] : tensors_) count += tensor.size();
    return count;
}

}  // namespace pf
