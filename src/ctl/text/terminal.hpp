// Text for people: colours, columns, ages. Checks once whether the output is a terminal; never waits.
#pragma once

#include "core/record.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::ctl {

enum class Colour : std::uint8_t { plain, good, busy, bad, faint, strong };

// The way to write to one descriptor.
struct Style {
    bool terminal = false;
    bool colours = false;
    unsigned width = 0; // columns; 0: unknown, do not cut
};
// Uses colours only on a terminal that supports them, and without $NO_COLOR.
[[nodiscard]] Style style_of(int fd);

// The text in a colour, if colours are used.
[[nodiscard]] std::string paint(const Style& style, Colour colour, std::string_view text);
[[nodiscard]] Colour colour_of(core::Phase phase);

// One line or word that is safe to show: each character that is not printable (such as escape sequences in a service's
// status) becomes `?`.
[[nodiscard]] std::string harmless(std::string_view text);
// A whole text of ours that is safe for a terminal: keeps line ends, tabs and the colours of paint(). Each foreign part
// of it should be harmless() already; this is the second check.
[[nodiscard]] std::string fit_to_show(std::string_view text);
// The columns of a UTF-8 text on a terminal; a byte that is not UTF-8 counts as one.
[[nodiscard]] std::size_t columns(std::string_view text);
// Pads with blanks to `width` columns, or cuts with `…`.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width);

// "45 s", "3 min", "2 h 5 min", "4 d 3 h": the two greatest parts. The argument is in microseconds.
[[nodiscard]] std::string age(std::int64_t micros);
// "1.5 s", for the rest of a wait. The argument is in milliseconds.
[[nodiscard]] std::string seconds(std::int64_t milliseconds);
// Local time: "2026-11-22 04:10:01", or with `brief` "04:10:01.123".
[[nodiscard]] std::string local_time(std::int64_t realtime_micros, bool brief = false);

// Writes all bytes, and waits if needed. False: writing failed (the reader has gone, the disk is full).
bool write_all(int fd, std::string_view text);

} // namespace mi::ctl
