// FileWriter: replaces a file as a whole, or leaves it as it was.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "engine/base/result.hpp"

namespace pf {

// Writes into a new file beside the target, which commit() puts in the target's place. Until then
// the file has no name, where the file system can do that, and is gone with the process however it
// ends; elsewhere it is deleted by the destructor. Move-only. Errors are of code file_error and
// name the target.
class FileWriter {
  public:
    enum class Naming { at_end, at_once };
    // at_once: as on file systems that know no files without a name.
    static Result<FileWriter> create(const std::string& file, Naming naming = Naming::at_end);

    FileWriter(FileWriter&& other) noexcept
        : file_(std::move(other.file_)),
          temporary_(std::exchange(other.temporary_, {})),
          descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileWriter& operator=(FileWriter&&) = delete;
    ~FileWriter();

    Status write(std::span<const std::byte> bytes);
    // The bytes are on the disk before the name points to them.
    Status commit();

  private:
    explicit FileWriter(std::string file) : file_(std::move(file)) {}
    Error failed(const char* what) const;
    std::string link_to_file() const;
    bool open_without_name();
    Status open_with_name();
    Status name_file();

    std::string file_;
    std::string temporary_;  // the new file's name; empty as long as it has none
    int descriptor_ = -1;
};

}  // namespace pf
