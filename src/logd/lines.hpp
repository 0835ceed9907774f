// Text of a pipe made into lines of a log file. Bytes only; the format itself is wire/log_format.hpp's.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "logd/shared.hpp"

namespace mi::logd {

// What applies to all lines of one call.
struct Style {
    std::string_view stamp;
    Source source = Source::out;
    Continuing continuing = 0;
    bool take_tail = false;    // a last line without an end is written too, marked
    std::string_view unit;     // with Source::init: stop at a line of another unit
    std::string_view own_unit; // with Source::init: the unit of lines that name none
    // What a service says that is less important is left out; so are its lines beyond that number, but they are counted.
    Priority least = Priority::debug;
    std::uint32_t most_lines = UINT32_MAX;
};

struct Cut {
    std::size_t taken = 0;   // bytes of the text that are done
    std::size_t written = 0; // bytes of `out`
    Continuing continuing = 0;
    std::uint32_t lines = 0, dropped = 0; // of a service: written, and beyond `most_lines`
};

// Whether format_lines would take something.
[[nodiscard]] bool has_line(std::string_view text, bool take_tail);

// Writes the lines of `text` into `out` until one does not fit, is unfinished, or is another unit's. Room for one line
// (longest_prefix + longest_text + 1) always suffices to get on.
[[nodiscard]] Cut format_lines(std::string_view text, const Style& style, std::span<char> out);

} // namespace mi::logd
