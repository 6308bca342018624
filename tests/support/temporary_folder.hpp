// TemporaryFolder: a folder for one test, removed with everything in it afterwards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace pf::test {

class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string path() const { return path_.string(); }
    std::string path(const std::string& name) const { return (path_ / name).string(); }

    // Writes a file and returns its path.
    std::string write(const std::string& name, std::span<const std::byte> bytes) const;
    std::string write(const std::string& name, std::string_view text) const;

  private:
    std::filesystem::path path_;
};

// All bytes of a file; none if there is no such file.
std::string content_of(const std::string& file);

}  // namespace pf::test
