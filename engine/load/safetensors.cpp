// The header of a safetensors file: which tensors it holds and where their bytes are.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/safetensors.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/load/fields.hpp"
#include "engine/load/json.hpp"
#include "engine/load/messages.hpp"

namespace pf {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxNesting = 3;         // header, entry, shape
constexpr std::size_t kMaxValues = 1'000'000;  // a bound on memory: 65,536 tensors need 917,505
constexpr std::size_t kMaxTensors = 65536;
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxNameBytes = 512;
constexpr std::size_t kMaxMetadataEntries = 1024;
constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 20;  // of one value
constexpr std::size_t kMaxInteger = std::numeric_limits<std::int64_t>::max();

constexpr Named<Dtype> kDtypes[] = {
    {"F32", Dtype::f32}, {"F16", Dtype::f16}, {"BF16", Dtype::bf16}};

Error invalid(const std::string& file, const std::string& problem) {
    return Error{ErrorCode::invalid_model, file + ": " + problem};
}

Error invalid_tensor(const std::string& file, const std::string& name, const std::string& problem) {
    return invalid(file, "tensor " + in_quotes(name) + ": " + problem);
}

Status check_metadata(const JsonValue& metadata, const std::string& file) {
    FirstError errors(file + ": header");
    const FieldReader place(&metadata, "__metadata__", errors);
    const auto* entries = std::get_if<JsonValue::Object>(&metadata.data);
    if (entries == nullptr || entries->size() > kMaxMetadataEntries) {
        place.refuse("an object of at most " + std::to_string(kMaxMetadataEntries) + " strings");
        return errors.status();
    }
    for (const JsonMember& entry : *entries) {
        const auto* text = std::get_if<std::string>(&entry.value.data);
        if (text != nullptr && text->size() <= kMaxMetadataBytes) continue;
        FieldReader(&entry.value, "__metadata__." + printable(entry.key), errors)
            .refuse("a string of at most " + std::to_string(kMaxMetadataBytes) + " bytes");
    }
    return errors.status();
}

// Types and bounds of one entry; offsets still count from the start of the data.
Result<SafetensorsEntry> read_entry(const JsonMember& member, const std::string& file) {
    FirstError errors(file + ": tensor " + in_quotes(member.key));
    ObjectReader fields(FieldReader(&member.value, "", errors));
    SafetensorsEntry entry;
    entry.name = member.key;
    entry.dtype = fields.field("dtype").choice(kDtypes);
    for (const FieldReader& size : fields.field("shape").array(0, kMaxRank)) {
        entry.shape.push_back(size.integer(0, kMaxInteger));
    }
    const auto offsets = fields.field("data_offsets").array(2, 2);
    if (offsets.size() == 2) {
        entry.begin = offsets[0].integer(0, kMaxInteger);
        entry.end = offsets[1].integer(entry.begin, kMaxInteger);
    }
    fields.refuse_unknown();
    if (errors.is_set()) return errors.status().error();
    return entry;
}

// The bytes that dtype and shape call for; false if that overflows.
bool entry_bytes(const SafetensorsEntry& entry, std::size_t& bytes) {
    bytes = dtype_bytes(entry.dtype);
    for (const std::size_t size : entry.shape) {
        if (__builtin_mul_overflow(bytes, size, &bytes)) return false;
    }
    return true;
}

Status check_entry(const SafetensorsEntry& entry, std::size_t data_bytes, const std::string& file) {
    std::size_t needed = 0;
    if (!entry_bytes(entry, needed)) {
        return invalid_tensor(file, entry.name,
                              "shape " + shape_text(entry.shape) +
                                  ": found a size that overflows, expected one that fits memory");
    }
    if (entry.end > data_bytes) {
        return invalid_tensor(file, entry.name,
                              "data_offsets: found an end at byte " + std::to_string(entry.end) +
                                  " of the data, expected at most " + std::to_string(data_bytes) +
                                  ": is the file complete?");
    }
    if (entry.end - entry.begin != needed) {
        return invalid_tensor(file, entry.name,
                              "data_offsets: found " + std::to_string(entry.end - entry.begin) +
                                  " bytes, expected " + std::to_string(needed) + " for shape " +
                                  shape_text(entry.shape));
    }
    return {};
}

// Sorted by their first byte, the tensors follow each other from the first data byte to the last.
Status check_tiling(const std::vector<SafetensorsEntry>& entries, std::size_t data_bytes,
                    const std::string& file) {
    std::vector<const SafetensorsEntry*> sorted;
    sorted.reserve(entries.size());
    for (const SafetensorsEntry& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) {
        return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
    });
    std::size_t previous_end = 0;
    for (const SafetensorsEntry* entry : sorted) {
        if (entry->begin != previous_end) {
            const char* what = entry->begin < previous_end ? "an overlap" : "a hole";
            return invalid_tensor(file, entry->name,
                                  std::string("data_offsets: found ") + what + ": it begins at " +
                                      std::to_string(entry->begin) +
                                      ", expected the end of the tensor before it, " +
                                      std::to_string(previous_end));
        }
        previous_end = entry->end;
    }
    if (previous_end == data_bytes) return {};
    return invalid(file, "data_offsets: found " + std::to_string(data_bytes - previous_end) +
                             " bytes behind the last tensor, expected none");
}

Result<std::vector<SafetensorsEntry>> read_entries(const JsonValue::Object& members,
                                                   const std::string& file) {
    std::vector<SafetensorsEntry> entries;
    for (const JsonMember& member : members) {
        if (member.key == "__metadata__") {
            if (Status status = check_metadata(member.value, file); !status) return status.error();
            continue;
        }
        if (member.key.size() > kMaxNameBytes) {
            return invalid_tensor(file, member.key,
                                  "found a name of " + std::to_string(member.key.size()) +
                                      " bytes, expected at most " + std::to_string(kMaxNameBytes));
        }
        if (entries.size() == kMaxTensors) {
            return invalid(file, "header: found more than " + std::to_string(kMaxTensors) +
                                     " tensors, which is the limit");
        }
        Result<SafetensorsEntry> entry = read_entry(member, file);
        if (!entry) return entry.error();
        entries.push_back(std::move(*entry));
    }
    return entries;
}

}  // namespace

std::size_t dtype_bytes(Dtype dtype) {
    return dtype == Dtype::f32 ? 4 : 2;
}

Result<std::size_t> read_header_size(std::span<const std::byte> prefix, std::size_t file_bytes,
                                     const std::string& file) {
    if (prefix.size() < kSafetensorsPrefixBytes || file_bytes < kSafetensorsPrefixBytes) {
        return invalid(file, "header: found a file of " + std::to_string(file_bytes) +
                                 " bytes, expected at least 8: is this a safetensors file?");
    }
    std::uint64_t size = 0;
    for (std::size_t i = kSafetensorsPrefixBytes; i-- > 0;) {
        size = size << 8 | std::to_integer<std::uint64_t>(prefix[i]);
    }
    if (size > kMaxHeaderBytes) {
        return invalid(file, "header: found a length of " + std::to_string(size) +
                                 " bytes, expected at most " + std::to_string(kMaxHeaderBytes) +
                                 ": is this a safetensors file?");
    }
    if (size > file_bytes - kSafetensorsPrefixBytes) {
        return invalid(file, "header: found a length of " + std::to_string(size) +
                                 " bytes, expected at most the " +
                                 std::to_string(file_bytes - kSafetensorsPrefixBytes) +
                                 " bytes behind it: is the file complete?");
    }
    return static_cast<std::size_t>(size);
}

Result<std::vector<SafetensorsEntry>> parse_safetensors_header(std::string_view header,
                                                               std::size_t file_bytes,
                                                               const std::string& file) {
    const std::string where = file + ": header";
    const auto tree = parse_json(header, where, {kMaxHeaderBytes, kMaxNesting, kMaxValues});
    if (!tree) return tree.error();
    const auto* members = std::get_if<JsonValue::Object>(&tree->data);
    if (members == nullptr) {
        return invalid(where, "found " + tree->describe() + ", expected an object of tensors");
    }
    Result<std::vector<SafetensorsEntry>> entries = read_entries(*members, file);
    if (!entries) return entries.error();

    const std::size_t data_begin = kSafetensorsPrefixBytes + header.size();
    const std::size_t data_bytes = file_bytes - data_begin;
    for (const SafetensorsEntry& entry : *entries) {
        if (Status status = check_entry(entry, data_bytes, file); !status) return status.error();
    }
    if (Status status = check_tiling(*entries, data_bytes, file); !status) return status.error();
    for (SafetensorsEntry& entry : *entries) {
        entry.begin += data_begin;
        entry.end += data_begin;
    }
    return entries;
}

}  // namespace pf
