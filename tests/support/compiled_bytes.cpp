// Compiled files in memory, to be damaged and signed again.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compiled_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/base/checksum.hpp"
#include "engine/compile/compile.hpp"
#include "engine/compile/compiled_file.hpp"
#include "engine/load/file_reader.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/sessions.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {

AlignedBytes::AlignedBytes(std::size_t size)
    : bytes_(new (std::align_val_t(64)) std::byte[size]()), size_(size) {}

AlignedBytes resized(std::span<const std::byte> bytes, std::size_t size) {
    AlignedBytes copy(size);
    std::copy_n(bytes.begin(), std::min(size, bytes.size()), copy.bytes().begin());
    return copy;
}

AlignedBytes compiled_bytes(LoadedModel loaded) {
    loaded.text = model_json(loaded.description);
    const auto model = compile(loaded, chosen_kernels());
    if (!model) throw std::runtime_error(model.error().message);
    const TemporaryFolder folder;
    const std::string file = folder.path("model.pf");
    if (!save_compiled_file(*model, file)) throw std::runtime_error(file);
    const auto text = read_text(file, std::size_t{1} << 30);
    if (!text) throw std::runtime_error(text.error().message);
    return resized(std::as_bytes(std::span(*text)), text->size());
}

void sign(std::span<std::byte> file) {
    CompiledHeader header;
    if (file.size() < sizeof header) return;
    std::memcpy(&header, file.data(), sizeof header);
    const std::size_t offset = header.weights_offset;
    if (offset < sizeof header || offset > file.size()) return;
    header.checksum = 0;
    const auto head = std::as_bytes(std::span(&header, 1));
    const auto text = file.first(offset).subspan(sizeof header);
    header.checksum = checksum(file.subspan(offset), checksum(text, checksum(head)));
    std::memcpy(file.data(), &header, sizeof header);
}

}  // namespace pf::test
