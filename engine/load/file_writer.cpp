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
#include <filesystem>
#include <system_error>

namespace pf {
namespace {

// Renaming would replace a device, and refuse a folder only when all is written.
Status check_target(const std::string& file) {
    const auto refuse = [&](const char* found) {
        return Error{ErrorCode::file_error, (file.empty() ? "\"\"" : file) + ": found " + found +
                                                ", expected a file name"};
    };
    if (file.empty()) return refuse("an empty name");
    struct stat target {};
    if (::stat(file.c_str(), &target) != 0 || S_ISREG(target.st_mode)) return {};
    return refuse(S_ISDIR(target.st_mode) ? "a folder" : "a device, a pipe or a socket");
}

}  // namespace

Result<FileWriter> FileWriter::create(const std::string& file, Naming naming) {
    if (Status status = check_target(file); !status) return status.error();
    FileWriter writer(file);
    if (naming == Naming::at_end && writer.open_without_name()) return writer;
    if (Status status = writer.open_with_name(); !status) return status.error();
    return writer;
}

// False on NFS and others, and in a chroot without what gives the file its name in the end.
bool FileWriter::open_without_name() {
    const std::string folder = std::filesystem::path(file_).parent_path();
    constexpr int kFlags = O_TMPFILE | O_WRONLY | O_CLOEXEC;
    descriptor_ = ::open(folder.empty() ? "." : folder.c_str(), kFlags, S_IRUSR | S_IWUSR);
    if (descriptor_ < 0) return false;
    if (::access(link_to_file().c_str(), F_OK) == 0) return true;
    ::close(std::exchange(descriptor_, -1));
    return false;
}

Status FileWriter::open_with_name() {
    std::string temporary = file_ + ".XXXXXX";
    descriptor_ = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (descriptor_ < 0) {
        Error error = failed("create a file beside it");
        error.message += "; name a file in a folder that exists, and that you may write to";
        return error;
    }
    temporary_ = std::move(temporary);
    return {};
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

std::string FileWriter::link_to_file() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
}

Status FileWriter::name_file() {
    constexpr int kTries = 1000;
    const std::string link = link_to_file();
    for (int i = 0; i < kTries && temporary_.empty(); ++i) {
        std::string name = file_ + "." + std::to_string(::getpid()) + "." + std::to_string(i);
        if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
            temporary_ = std::move(name);
        } else if (errno != EEXIST) {
            break;
        }
    }
    return temporary_.empty() ? Status(failed("create a file beside it")) : Status();
}

Status FileWriter::commit() {
    constexpr mode_t kReadableByAll = 0644;  // so far it is the owner's only
    if (::fchmod(descriptor_, kReadableByAll) != 0) return failed("set its permissions");
    if (::fsync(descriptor_) != 0) return failed("write");
    if (temporary_.empty()) {
        if (Status status = name_file(); !status) return status;
    }
    if (::close(std::exchange(descriptor_, -1)) != 0) return failed("write");
    if (std::rename(temporary_.c_str(), file_.c_str()) != 0) return failed("put it in place");
    temporary_.clear();
    return {};
}

}  // namespace pf
