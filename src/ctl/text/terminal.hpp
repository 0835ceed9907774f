// Text for people: colours, columns, ages. Whether there is a terminal is asked once; nothing here waits.
#pragma once

#include "core/record.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::ctl {

enum class Colour : std::uint8_t { plain, good, busy, bad, faint, strong };

// How to write to one descriptor.
struct Style {
    bool terminal = false;
    bool colours = false;
    unsigned width = 0; // columns; 0: unknown, cut nothing
};
// Colours only on a terminal that can, and without $NO_COLOR.
[[nodiscard]] Style style_of(int fd);

// The text in a colour, where there are colours.
[[nodiscard]] std::string paint(const Style& style, Colour colour, std::string_view text);
[[nodiscard]] Colour colour_of(core::Phase phase);

// One line or one word, fit to be shown: what is not printable (escape sequences of a service's status, say) becomes `?`.
[[nodiscard]] std::string harmless(std::string_view text);
// A whole text of ours for a terminal: line ends, tabs and the colours of paint() stay, too. Each part of it that somebody else
// has written is made harmless before; this sees to it that none can be forgotten.
[[nodiscard]] std::string fit_to_show(std::string_view text);
// Columns a UTF-8 text takes on a terminal; what is no UTF-8, one a byte.
[[nodiscard]] std::size_t columns(std::string_view text);
// Fills up with blanks to `width` columns, or cuts with `…`.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width);

// "45 s", "3 min", "2 h 5 min", "4 d 3 h": the two greatest parts. Micro- and milliseconds.
[[nodiscard]] std::string age(std::int64_t micros);
// "1.5 s" for what is left of a wait.
[[nodiscard]] std::string seconds(std::int64_t milliseconds);
// Local time, "2026-11-22 04:10:01", or with `brief` "04:10:01.123".
[[nodiscard]] std::string local_time(std::int64_t realtime_micros, bool brief = false);

// Writes all of it, whatever it takes. False: it cannot be written (nobody reads any more, the disk is full).
bool write_all(int fd, std::string_view text);

} // namespace mi::ctl
