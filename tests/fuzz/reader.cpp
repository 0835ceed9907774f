// Feeds any bytes to everything in the reader that takes text: bundles, environment files, durations, sizes, command
// lines. The first byte chooses, so that each has a corpus of its own. Nothing may crash, hang or contradict itself.
#include "config/load.hpp"
#include "config/plain_toml.hpp"
#include "config/scan.hpp"
#include "config/syntax.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace mi::config;

namespace {

void must(bool truth) {
    if (!truth)
        std::abort();
}

void plain(std::string_view text);

void bundle(std::string_view text, bool bare) {
    plain(text);
    Source source;
    source.bare_is_service = bare;
    Loaded loaded = read_bundle(text, "fuzz.toml", source);
    for (const Problem& problem : loaded.problems)
        must(!mi::config::text(problem).empty() && !problem.message.empty());
    for (const mi::core::Unit& unit : loaded.units) {
        must(name_fault(unit.name).empty());
        // A valid service runs something.
        must(!unit.fault.empty() || unit.kind == mi::core::Kind::target || !unit.service.command.empty());
    }
    // Reading is a function of the text.
    Loaded again = read_bundle(text, "fuzz.toml", source);
    must(again.units.size() == loaded.units.size() && again.problems == loaded.problems);
    for (std::size_t i = 0; i < loaded.units.size(); ++i)
        must(again.units[i].digest == loaded.units[i].digest);
}

bool same(const Place& a, const Place& b) { return a.line == b.line && a.column == b.column; }

bool same(const Node& a, const Node& b) {
    if (a.kind != b.kind || a.truth != b.truth || a.in_line != b.in_line || a.integer != b.integer || a.key != b.key ||
        a.text != b.text || !same(a.place, b.place) || !same(a.key_place, b.key_place) ||
        a.items.size() != b.items.size())
        return false;
    for (std::size_t i = 0; i < a.items.size(); ++i)
        if (!same(a.items[i], b.items[i]))
            return false;
    return true;
}

// What is read without the library is what the library reads.
void plain(std::string_view text) {
    const std::optional<Node> tree = read_plain_toml(0, text);
    if (!tree)
        return;
    Reading reading;
    reading.add_file("fuzz.toml", text);
    const Node whole = parse_whole_toml(reading, 0, text);
    must(line_of_systemd(text) != 0 || (!reading.failed() && same(*tree, whole)));
}

void environment(std::string_view text) {
    for (const auto& [name, value] : parse_environment(text).variables)
        must(is_variable_name(name) && value.find('\0') == std::string::npos);
}

void words(std::string_view text) {
    if (auto span = parse_duration(text))
        must(span->count() >= 0 && parse_duration(duration_text(*span)) == span);
    (void)parse_size(text);
    (void)parse_mode(text);
    (void)parse_percent(text);
    if (auto command = split_command(text)) {
        // Quoted again, it splits into the same words.
        std::string line;
        for (const std::string& word : *command) {
            line += " '";
            for (char letter : word)
                line += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
            line += '\'';
        }
        must(split_command(line) == command);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
    case 0: bundle(text, false); break;
    case 1: bundle(text, true); break;
    case 2: environment(text); break;
    case 3: words(text); break;
    }
    return 0;
}
