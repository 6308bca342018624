// FileReader: reads a regular file whose size was fixed when it was opened; read_text: all of one.
// SPDX-License-Identifier: Apache-2.0
#include "engine/load/file_reader.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace pf {
namespace {

Error file_error(const std::string& file, const std::string& problem) {
    return Error{ErrorCode::file_error, file + ": " + problem};
}

std::string last_system_error() {
    return std::system_category().message(errno);
}

}  // namespace

Result<FileReader> FileReader::open(const std::string& file, std::size_t max_bytes) {
    FileReader reader(file);
    // Not blocking: opening a pipe would otherwise wait for a writer.
    reader.descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader.descriptor_ < 0) return file_error(file, "cannot open: " + last_system_error());
    struct stat status = {};
    if (::fstat(reader.descriptor_, &status) != 0) {
        return file_error(file, "cannot examine: " + last_system_error());
    }
    if (S_ISDIR(status.st_mode)) return file_error(file, "found a folder, expected a file");
    if (!S_ISREG(status.st_mode)) {
        return file_error(file, "found a pipe, socket or device, expected a regular file");
    }
    reader.size_ = static_cast<std::size_t>(status.st_size);
    if (reader.size_ > max_bytes) {
        return file_error(file, "found " + std::to_string(reader.size_) +
                                    " bytes, expected at most " + std::to_string(max_bytes));
    }
    return reader;
}

FileReader::~FileReader() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::span<const std::byte>> FileReader::map() {
    void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor_, 0);
    if (mapping == MAP_FAILED) {
        const ErrorCode code = errno == ENOMEM ? ErrorCode::out_of_memory : ErrorCode::file_error;
        return Error{code, file_ + ": cannot map: " + last_system_error()};
    }
    return std::span(static_cast<const std::byte*>(mapping), size_);
}

Status FileReader::read(std::span<std::byte> target) {
    constexpr std::size_t kMaxBytesPerCall = std::size_t{1} << 30;  // Linux reads 2 GiB at most
    while (!target.empty()) {
        const std::size_t wanted = std::min(target.size(), kMaxBytesPerCall);
        const ssize_t count = ::read(descriptor_, target.data(), wanted);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error(file_, "cannot read: " + last_system_error());
        if (count == 0) {
            return file_error(file_, "ended " + std::to_string(target.size()) +
                                         " bytes early: it changed while it was read, try again");
        }
        target = target.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::string> read_text(const std::string& file, std::size_t max_bytes) {
    Result<FileReader> reader = FileReader::open(file, max_bytes);
    if (!reader) return reader.error();
    std::string text(reader->size(), '\0');
    const Status status = reader->read(std::as_writable_bytes(std::span(text)));
    if (!status) return status.error();
    return text;
}

}  // namespace pf
