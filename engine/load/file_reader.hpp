// FileReader: reads a regular file whose size was fixed when it was opened; read_text: all of one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "engine/base/result.hpp"

namespace pf {

// Move-only; closes the file. Errors are of code file_error and name the file and what to do.
class FileReader {
  public:
    // Refuses what is not a regular file (folders, pipes, devices) and files above `max_bytes`.
    static Result<FileReader> open(const std::string& file, std::size_t max_bytes);

    FileReader(FileReader&& other) noexcept
        : file_(std::move(other.file_)),
          descriptor_(std::exchange(other.descriptor_, -1)),
          size_(other.size_) {}
    FileReader& operator=(FileReader&&) = delete;
    ~FileReader();

    std::size_t size() const { return size_; }  // bytes, at the time of opening

    // Maps all of the file, read-only, pages and all; the caller unmaps it. Whoever shortens the
    // file afterwards takes its pages away, so it must be replaced and not rewritten.
    Result<std::span<const std::byte>> map();

    // Fills all of `target` with the bytes that follow the last read.
    Status read(std::span<std::byte> target);

  private:
    explicit FileReader(std::string file) : file_(std::move(file)) {}

    std::string file_;
    int descriptor_ = -1;
    std::size_t size_ = 0;
};

// All bytes of a file that FileReader would open.
Result<std::string> read_text(const std::string& file, std::size_t max_bytes);

}  // namespace pf
