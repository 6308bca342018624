// FileWriter: replaces a file as a whole, or leaves it as it was.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/file_writer.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace pf {

Result<FileWriter> FileWriter::create(const std::string& file) {
    FileWriter writer(file);
    struct stat target {};
    if (::stat(file.c_str(), &target) == 0 && !S_ISREG(target.st_mode) &&
        !S_ISDIR(target.st_mode)) {  // rename refuses folders, and would replace a device
        return Error{ErrorCode::file_error,
                     file + ": found a device, a pipe or a socket, expected a file to replace"};
    }
    std::string temporary = file + ".XXXXXX";
    writer.descriptor_ = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (writer.descriptor_ < 0) return writer.failed("create a file beside it");
    writer.temporary_ = std::move(temporary);
    return writer;
}

FileWriter::~FileWriter() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error FileWriter::failed(const char* what) const {
    return Error{ErrorCode::file_error,
                 file_ + ": cannot " + what + ": " + std::system_category().message(errno)};
}

Status FileWriter::write(std::span<const std::byte> bytes) {
    constexpr std::size_t kMaxBytesPerCall = std::size_t{1} << 30;  // Linux writes 2 GiB at most
    while (!bytes.empty()) {
        const ssize_t count =
            ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMaxBytesPerCall));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("write");
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Status FileWriter::commit() {
    constexpr mode_t kReadableByAll = 0644;  // mkostemp makes it the owner's only
    if (::fchmod(descriptor_, kReadableByAll) != 0) return failed("set its permissions");
    if (::fsync(descriptor_) != 0) return failed("write");
    if (::close(std::exchange(descriptor_, -1)) != 0) return failed("write");
    if (std::rename(temporary_.c_str(), file_.c_str()) != 0) return failed("put it in place");
    temporary_.clear();
    return {};
}

}  // namespace pf
