// What the command line says: errors, quantities in words, progress.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace pf::cli {

// One line on stderr, without_controls().
void print_error(const std::string& message);

// printf for strings.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

// "12,345,678"
std::string with_commas(std::size_t number);

// "11,915,176 bytes (11.36 MiB)"
std::string bytes_text(std::size_t num_bytes);

// Text from a file, or a file's name, safe to print: control characters become '?', the rest stays
// (UTF-8 labels).
std::string without_controls(const std::string& text);

// A counter on stderr, shown only on a terminal and only if there is more than one thing to do.
// Call clear() before printing anything else.
class Progress {
  public:
    explicit Progress(std::size_t total);
    void show(std::size_t done);
    void clear();

  private:
    std::size_t total_;
    bool is_shown_;
};

}  // namespace pf::cli
