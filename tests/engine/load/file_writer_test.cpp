// Tests of FileWriter: a file is replaced as a whole, or left as it was.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/file_writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "tests/support/error_checks.hpp"
#include "tests/support/temporary_folder.hpp"

namespace pf::test {
namespace {

using Naming = FileWriter::Naming;

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::size_t num_files(const TemporaryFolder& folder) {
    const std::filesystem::directory_iterator files(folder.path());
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

bool knows_files_without_name(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor >= 0) ::close(descriptor);
    return descriptor >= 0;
}

}  // namespace

TEST_CASE("FileWriter: commit() puts the new content in place, readable by all") {
    for (const Naming naming : {Naming::at_end, Naming::at_once}) {
        const TemporaryFolder folder;
        const std::string file = folder.path("result");
        for (const std::string content : {"first, and longer", "second"}) {
            auto writer = FileWriter::create(file, naming);
            REQUIRE(writer);
            REQUIRE(writer->write(bytes_of(content.substr(0, 3))));
            REQUIRE(writer->write(bytes_of(content.substr(3))));
            REQUIRE(writer->commit());
            CHECK(content_of(file) == content);
            struct stat status {};
            REQUIRE(::stat(file.c_str(), &status) == 0);
            CHECK((status.st_mode & 0777) == 0644);
        }
        CHECK(num_files(folder) == 1);
    }
}

TEST_CASE("FileWriter: without commit() the old file stays, and no other") {
    for (const Naming naming : {Naming::at_end, Naming::at_once}) {
        const TemporaryFolder folder;
        const std::string file = folder.write("result", "old");
        {
            auto writer = FileWriter::create(file, naming);
            REQUIRE(writer);
            REQUIRE(writer->write(bytes_of("new")));
            FileWriter moved = std::move(*writer);
        }
        CHECK(content_of(file) == "old");
        CHECK(num_files(folder) == 1);
    }
}

TEST_CASE("FileWriter: an unfinished file has no name, so that a killed process leaves none") {
    const TemporaryFolder folder;
    auto writer = FileWriter::create(folder.path("result"));
    REQUIRE(writer);
    REQUIRE(writer->write(bytes_of("new")));
    CHECK(num_files(folder) == (knows_files_without_name(folder.path()) ? 0 : 1));
}

TEST_CASE("FileWriter: takes another name where the first is taken") {
    const TemporaryFolder folder;
    const std::string file = folder.path("result");
    folder.write("result." + std::to_string(::getpid()) + ".0", "somebody's");
    auto writer = FileWriter::create(file);
    REQUIRE(writer);
    REQUIRE(writer->commit());
    CHECK(content_of(file).empty());
    CHECK(num_files(folder) == 2);
}

TEST_CASE("FileWriter: refuses what it could not replace before anything is written") {
    const TemporaryFolder folder;
    check_error(FileWriter::create(""), ErrorCode::file_error, {"\"\": found an empty name"});
    check_error(FileWriter::create(folder.path()), ErrorCode::file_error,
                {folder.path() + ": found a folder, expected a file name"});
    check_error(FileWriter::create("/dev/null"), ErrorCode::file_error,
                {"/dev/null: found a device, a pipe or a socket"});
    check_error(
        FileWriter::create(folder.path("no/such")), ErrorCode::file_error,
        {"no/such: cannot create a file beside it: No such file", "in a folder that exists"});
    CHECK(num_files(folder) == 0);
}

}  // namespace pf::test
