// Makes text from other programs safe to show to people: on the console, on a terminal, in messages, and as JSON and
// TOML. Only this file decides which characters a terminal would interpret instead of drawing them; all text that is
// shown passes through here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mi {

// Whether the character is drawn at its own place. These are not:
// - control characters, U+0000 to U+001F and U+007F to U+009F: escape sequences begin with ESC or with U+009B;
// - characters that change the order of others: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069;
// - line and paragraph separators, U+2028 and U+2029;
// - invisible characters: U+200B, U+2060 to U+2065, U+206A to U+206F, U+FEFF, U+FFF9 to U+FFFB, tags (U+E0000 to
//   U+E007F);
// - noncharacters (U+FFFE and U+FFFF of each plane).
// The joiners U+200C and U+200D are printable: Persian, the languages of India and pictures of several parts need them.
[[nodiscard]] bool is_printable(char32_t point);

// The control characters that are kept.
enum class Keep : std::uint8_t {
    none,
    tabs,  // tabs, if each line is shown separately
    lines, // tabs and line ends, if a text has several lines
};

// Appends `text` with a `?` for each character that is not printable, and for each byte that is not UTF-8 (some
// terminals interpret the single bytes 0x80 to 0x9f). Does not allocate if `to` has room.
void append_printable(std::string& to, std::string_view text, Keep keep = Keep::none);
[[nodiscard]] std::string printable(std::string_view text, Keep keep = Keep::none);

enum class Quoting : std::uint8_t { json, toml };

// Appends `text` in quotes, as a JSON or TOML string of the same value. Escapes every character that is not printable,
// so that the result may be shown, too. Writes U+FFFD for each byte that is not UTF-8, because neither format can
// express it; returns false if there was one.
bool append_quoted(std::string& to, std::string_view text, Quoting how);

} // namespace mi
