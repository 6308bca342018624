// Compiled files as an attacker, or a bad disk, would have them.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/compile/compiled_file.hpp"
#include "kernels/dispatch.hpp"
#include "tests/support/compiled_bytes.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {
namespace {

// A compiled file's bytes, to be damaged.
class File {
  public:
    CompiledHeader header() const {
        CompiledHeader header;
        std::memcpy(&header, file_.bytes().data(), sizeof header);
        return header;
    }
    std::string text() const {
        return {reinterpret_cast<const char*>(file_.bytes().data()) + sizeof(CompiledHeader),
                header().text_bytes};
    }

    void set(const CompiledHeader& header) {
        std::memcpy(file_.bytes().data(), &header, sizeof header);
        sign(file_.bytes());
    }

    // Another text of the same length.
    void set_text(const std::string& text) {
        REQUIRE(text.size() == header().text_bytes);
        std::memcpy(file_.bytes().data() + sizeof(CompiledHeader), text.data(), text.size());
        sign(file_.bytes());
    }

    void resize(std::size_t size) { file_ = resized(file_.bytes(), size); }

    std::size_t size() const { return file_.bytes().size(); }
    std::byte& operator[](std::size_t index) { return file_.bytes()[index]; }

    Result<Model> load(const std::string& isa = "") const {
        return load_compiled_bytes(file_.bytes(), "damaged.pf", {.isa = isa});
    }

    void check_refused(ErrorCode code, const std::string& part) const {
        CAPTURE(part);
        check_error(load(), code, {"damaged.pf", part});
    }

  private:
    AlignedBytes file_ = compiled_bytes(tiny_model());
};

}  // namespace

TEST_CASE("compiled file: a whole one loads") {
    CHECK(File().load());
}

TEST_CASE("compiled file: cut anywhere, or longer than it says") {
    const std::size_t size = File().size();
    for (const std::size_t kept :
         {std::size_t{0}, std::size_t{7}, sizeof(CompiledHeader) - 1, sizeof(CompiledHeader),
          std::size_t{4095}, std::size_t{4096}, size - 4, size - 1, size + 1, size + 4096}) {
        CAPTURE(kept);
        File file;
        file.resize(kept);
        check_error(file.load(), ErrorCode::invalid_model, {"damaged.pf"});
    }
}

TEST_CASE("compiled file: any flipped byte is found") {
    const std::size_t size = File().size();
    for (std::size_t at = 0; at < size; at += at < sizeof(CompiledHeader) ? 1 : size / 37) {
        CAPTURE(at);
        File file;
        file[at] ^= std::byte{0x10};
        CHECK_FALSE(file.load());
    }
}

TEST_CASE("compiled file: one wrong field of the header at a time, rightly signed") {
    const auto refused = [](ErrorCode code, const std::string& part, auto&& damage) {
        File file;
        CompiledHeader header = file.header();
        damage(header);
        file.set(header);
        file.check_refused(code, part);
    };
    constexpr auto kInvalid = ErrorCode::invalid_model, kUnsupported = ErrorCode::unsupported;
    constexpr std::uint64_t kHuge = ~std::uint64_t{0};
    refused(kInvalid, "no compiled model", [](auto& header) { header.magic[0] = 'X'; });
    refused(kUnsupported, "found version 2", [](auto& header) { header.version = 2; });
    refused(kUnsupported, "with packing 9", [](auto& header) { header.packing = 9; });
    refused(kUnsupported, "unknown instruction set", [](auto& header) { header.isa[0] = '\x1b'; });
    refused(kUnsupported, "unknown instruction set",
            [](auto& header) { std::memset(header.isa, 'a', sizeof header.isa); });
    refused(kUnsupported, "found blocks of 7", [](auto& header) { header.block = 7; });
    refused(kUnsupported, "panels of 0", [](auto& header) { header.panel = 0; });
    for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{1}, kHuge}) {
        refused(kInvalid, "", [&](auto& header) { header.text_bytes = wrong; });
        refused(kInvalid, "weights_offset", [&](auto& header) { header.weights_offset = wrong; });
        refused(kInvalid, "weight_bytes", [&](auto& header) { header.weight_bytes = wrong; });
        refused(kInvalid, "num_parameters", [&](auto& header) { header.num_parameters = wrong; });
    }
}

TEST_CASE("compiled file: for another instruction set than asked for, or than this CPU has") {
    const File file;
    check_error(file.load("mmx"), ErrorCode::unsupported, {"damaged.pf", "compiled for", "mmx"});
    for (const kernels::KernelTable* table : kernels::all_tables()) {
        if (kernels::cpu_can_run(*table)) continue;
        File other;
        CompiledHeader header = other.header();
        std::memset(header.isa, 0, sizeof header.isa);
        std::strcpy(header.isa, table->name);
        header.block = static_cast<std::uint32_t>(table->block);
        header.panel = static_cast<std::uint32_t>(table->panel);
        other.set(header);
        other.check_refused(ErrorCode::unsupported, "this CPU cannot run");
    }
}

TEST_CASE("compiled file: a text that calls for other weights than the file holds") {
    const auto with = [](const std::string& from, const std::string& to) {
        File file;
        std::string text = file.text();
        const std::size_t at = text.find(from);
        REQUIRE(at != std::string::npos);
        text.replace(at, from.size(), to);
        file.set_text(text);
        return file.load();
    };
    check_error(with("\"channels\": 16", "\"channels\": 99"), ErrorCode::invalid_model,
                {"damaged.pf", "weight_bytes"});
    check_error(with("\"channels\": 16", "\"channels\": 15"), ErrorCode::invalid_model,
                {"damaged.pf"});
    check_error(with("\"classes\": 5", "\"classes\": 4"), ErrorCode::invalid_model, {"damaged.pf"});
    check_error(with("\"depth\": 2", "\"depth\": 9"), ErrorCode::invalid_model, {"damaged.pf"});
    check_error(with("{", "["), ErrorCode::invalid_model, {"damaged.pf: model.json"});
}

TEST_CASE("load_compiled_file: files that are none") {
    const TemporaryFolder folder;
    check_error(load_compiled_file(folder.path("absent"), {}), ErrorCode::file_error, {"absent"});
    check_error(load_compiled_file(folder.path(), {}), ErrorCode::file_error, {"folder"});
    const std::string empty = folder.write("empty.pf", "");
    check_error(load_compiled_file(empty, {}), ErrorCode::invalid_model, {"empty.pf"});
    const std::string other = folder.write("other.pf", "PFMODE");
    check_error(load_compiled_file(other, {}), ErrorCode::invalid_model, {"other.pf"});
    CHECK_FALSE(is_file(folder.path("absent")));
    CHECK_FALSE(is_file(folder.path()));
    CHECK(is_file(empty));
    CHECK(is_file(other));
}

}  // namespace pf::test
