// SafetensorsBytes: makes safetensors files in memory, right ones and, on request, wrong ones.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/safetensors_bytes.hpp"

#include <nlohmann/json.hpp>

namespace pf::test {

std::vector<std::byte> safetensors_file(std::string_view header, std::span<const std::byte> data,
                                        std::optional<std::uint64_t> length) {
    std::vector<std::byte> file;
    std::uint64_t rest = length.value_or(header.size());
    for (int i = 0; i < 8; ++i, rest >>= 8) file.push_back(static_cast<std::byte>(rest & 0xff));
    const auto text = std::as_bytes(std::span(header));
    file.insert(file.end(), text.begin(), text.end());
    file.insert(file.end(), data.begin(), data.end());
    return file;
}

void SafetensorsBytes::add(const std::string& name, const std::string& dtype,
                           const std::vector<std::size_t>& shape, std::span<const std::byte> data) {
    const std::size_t begin = data_.size();
    data_.insert(data_.end(), data.begin(), data.end());
    const nlohmann::ordered_json entry = {
        {"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, data_.size()}}};
    if (!entries_.empty()) entries_ += ',';
    entries_ += nlohmann::json(name).dump() + ':' + entry.dump();
}

std::string SafetensorsBytes::header() const {
    return '{' + entries_ + '}';
}

}  // namespace pf::test
