// Tests of load_model_folder and the file reader below it: folders and files as users have them.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string>

#include "engine/load/file_reader.hpp"
#include "engine/load/weights.hpp"
#include "tests/support/error_checks.hpp"
#include "tests/support/hash_weights.hpp"
#include "tests/support/model_writer.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_models.hpp"

namespace pf::test {

TEST_CASE("load_model_folder: reads what was written") {
    const TemporaryFolder folder;
    const Description description = tiny_description();
    write_model(folder, description, hash_weights(description, 1));
    for (const std::string& path : {folder.path(), folder.path() + "/"}) {
        const auto model = load_model_folder(path);
        REQUIRE(model);
        CHECK(model_json(model->description) == model_json(description));
        CHECK(model->weights.num_parameters() == tiny_model().weights.num_parameters());
    }
}

TEST_CASE("load_model_folder: no such folder, or a file in its place") {
    const TemporaryFolder folder;
    check_error(
        load_model_folder(folder.path("absent")), ErrorCode::file_error,
        {folder.path("absent"), "no such file or folder", "model.json and model.safetensors"});
    check_error(load_model_folder(""), ErrorCode::file_error, {"\"\": no such file or folder"});
    const std::string file = folder.write("model.onnx", "x");
    check_error(load_model_folder(file), ErrorCode::file_error,
                {file, "found neither a folder nor", "expected a model folder"});
    check_error(load_model_folder(file + "/deeper"), ErrorCode::file_error, {file});
}

TEST_CASE("load_model_folder: files missing, or folders in their place") {
    const TemporaryFolder folder;
    check_error(load_model_folder(folder.path()), ErrorCode::file_error,
                {folder.path("model.json"), "cannot open"});
    folder.write("model.json", model_json(tiny_description()));
    check_error(load_model_folder(folder.path()), ErrorCode::file_error,
                {folder.path("model.safetensors"), "cannot open"});
    std::filesystem::create_directory(folder.path("model.safetensors"));
    check_error(load_model_folder(folder.path()), ErrorCode::file_error,
                {folder.path("model.safetensors"), "found a folder, expected a file"});
}

TEST_CASE("load_model_folder: errors inside the files carry their paths") {
    const TemporaryFolder folder;
    folder.write("model.safetensors", "");
    folder.write("model.json", "");
    check_error(load_model_folder(folder.path()), ErrorCode::invalid_model,
                {folder.path("model.json"), "invalid JSON"});
    folder.write("model.json", model_json(tiny_description()));
    check_error(load_model_folder(folder.path()), ErrorCode::invalid_model,
                {folder.path("model.safetensors"), "found a file of 0 bytes"});
}

TEST_CASE("FileReader: a pipe is refused without waiting for a writer") {
    const TemporaryFolder folder;
    const std::string pipe = folder.path("model.json");
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    check_error(load_model_folder(folder.path()), ErrorCode::file_error,
                {pipe, "expected a regular file"});
}

TEST_CASE("FileReader: size limit, reads in pieces, a file that shrinks while it is read") {
    const TemporaryFolder folder;
    const std::string file = folder.write("x", "abcdef");
    check_error(FileReader::open(file, 5), ErrorCode::file_error,
                {file, "found 6 bytes, expected at most 5"});
    auto reader = FileReader::open(file, 6);
    REQUIRE(reader);
    CHECK(reader->size() == 6);
    std::array<std::byte, 4> bytes{};
    REQUIRE(reader->read(bytes));
    CHECK(bytes[3] == std::byte{'d'});
    CHECK(reader->read({}));
    std::filesystem::resize_file(file, 5);
    check_error(reader->read(bytes), ErrorCode::file_error, {file, "ended 3 bytes early"});
}

TEST_CASE("FileReader: a sparse file of absurd size is refused before anything is allocated") {
    const TemporaryFolder folder;
    const std::string file = folder.write("model.safetensors", "");
    std::filesystem::resize_file(file, (std::uintmax_t{16} << 30) + 1);
    check_error(Weights::load(file, tiny_description()), ErrorCode::file_error,
                {file, "17179869185 bytes", "at most 17179869184"});
    std::filesystem::resize_file(file, std::uintmax_t{16} << 30);
    check_error(Weights::load(file, tiny_description()), ErrorCode::invalid_model,
                {file, "invalid JSON"});
}

}  // namespace pf::test
