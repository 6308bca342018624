// How subcommands and their options are added.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <charconv>
#include <utility>

#include "tools/cli/commands.hpp"
#include "tools/cli/report.hpp"

namespace pf::cli {
namespace {

// `parse` stores the value, or says what is wrong with it.
void add_parsed_option(CLI::App& command, const std::string& name,
                       std::function<std::string(const std::string&)> parse,
                       const std::string& type, const std::string& help) {
    const auto store = [name, parse = std::move(parse)](const std::string& text) {
        const std::string problem = parse(text);
        if (!problem.empty()) throw CLI::ValidationError(name, problem);
    };
    command.add_option_function<std::string>(name, store, help)->type_name(type);
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& footer, int& exit_code, std::function<int()> run) {
    CLI::App* command = app.add_subcommand(name, description);
    command->footer(footer);
    command->callback([&exit_code, run = std::move(run)] { exit_code = run(); });
    return *command;
}

void add_flag(CLI::App& command, const std::string& name, bool& is_set, const std::string& help) {
    command.add_flag(name, is_set, help);
}

void add_list_option(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                     const std::string& help) {
    command.add_option(name, texts, help)->type_name("");
}

void add_text_option(CLI::App& command, const std::string& name, std::string& text,
                     const std::string& type, const std::string& help) {
    command.add_option(name, text, help)->type_name(type);
}

void add_required_option(CLI::App& command, const std::string& name, std::string& text,
                         const std::string& type, const std::string& help) {
    command.add_option(name, text, help)->type_name(type)->required();
}

// By hand: CLI::Range lets "nan" pass.
void add_number_option(CLI::App& command, const std::string& name, double& number, double smallest,
                       double largest, const std::string& type, const std::string& help) {
    const auto parse = [&number, smallest, largest](const std::string& text) {
        const char* last = text.data() + text.size();
        double found = 0;
        const auto [end, problem] = std::from_chars(text.data(), last, found);
        const bool is_number = problem == std::errc() && end == last;
        if (!is_number || !(found >= smallest && found <= largest)) {
            return format("found \"%s\", expected %g to %g", text.c_str(), smallest, largest);
        }
        number = found;
        return std::string();
    };
    add_parsed_option(command, name, parse, type, help);
}

void add_count_option(CLI::App& command, const std::string& name, std::size_t& count,
                      std::size_t largest, const std::string& help) {
    command.add_option(name, count, help)
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, largest).description(""));
}

void add_model_option(CLI::App& command, std::string& path) {
    add_required_option(command, "MODEL", path, "", "Folder or compiled file of the model");
}

void add_size_option(CLI::App& command, InputSize& size) {
    const auto parse = [&size](const std::string& text) { return parse_size(text, size); };
    add_parsed_option(command, "--size", parse, "HEIGHTxWIDTH",
                      "Input size in pixels (default: the model's own)");
}

void add_threads_option(CLI::App& command, std::size_t& num_threads) {
    add_count_option(command, "--threads", num_threads, 1024,
                     "Threads to compute with (default: the CPUs this process may use)");
}

}  // namespace pf::cli
