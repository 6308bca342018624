// What the command line says: errors, quantities in words, progress.
// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace pf::cli {

void print_error(const std::string& message) {
    std::fflush(stdout);
    std::fprintf(stderr, "poolformer: %s\n", without_controls(message).c_str());
}

std::string format(const char* pattern, ...) {
    std::va_list arguments, again;
    va_start(arguments, pattern);
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, pattern, arguments);
    std::string text(static_cast<std::size_t>(std::max(size, 0)), '\0');
    std::vsnprintf(text.data(), text.size() + 1, pattern, again);
    va_end(again);
    va_end(arguments);
    return text;
}

std::string with_commas(std::size_t number) {
    std::string text = std::to_string(number);
    for (std::size_t place = text.size(); place > 3;) {
        place -= 3;
        text.insert(place, ",");
    }
    return text;
}

std::string bytes_text(std::size_t num_bytes) {
    return with_commas(num_bytes) +
           format(" bytes (%.2f MiB)", static_cast<double>(num_bytes) / (1 << 20));
}

std::string without_controls(const std::string& text) {
    std::string clean;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // Those of Latin-1, U+0080 to U+009F, as UTF-8 writes them.
        const bool is_latin = byte == 0xC2 && i + 1 < text.size() && (text[i + 1] & 0xE0) == 0x80;
        if (is_latin) ++i;
        clean += is_latin || byte < 0x20 || byte == 0x7F ? '?' : text[i];
    }
    return clean;
}

Progress::Progress(std::size_t total)
    : total_(total), is_shown_(total > 1 && ::isatty(STDERR_FILENO) != 0) {}

void Progress::show(std::size_t done) {
    if (!is_shown_) return;
    std::fflush(stdout);
    std::fprintf(stderr, "\r\033[K%zu of %zu (%zu %%)", done, total_, done * 100 / total_);
}

void Progress::clear() {
    if (is_shown_) std::fputs("\r\033[K", stderr);
}

}  // namespace pf::cli
