// What others have written, made fit to be shown to people: on the console, a terminal, in messages, and as JSON and TOML. The
// one place that says which characters a terminal obeys instead of drawing them; everything that is shown comes through here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mi {

// Whether the character is drawn, and where it stands. These are not:
// - control characters, U+0000 to U+001F and U+007F to U+009F: escape sequences begin with ESC or with U+009B;
// - what changes the order in which others are drawn: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069;
// - line and paragraph separators, U+2028 and U+2029;
// - what nobody sees: U+200B, U+2060 to U+2065, U+206A to U+206F, U+FEFF, U+FFF9 to U+FFFB, tags (U+E0000 to U+E007F);
// - what is no character (U+FFFE and U+FFFF of each plane).
// The joiners U+200C and U+200D stay: Persian, the languages of India and pictures of more than one part need them.
[[nodiscard]] bool is_printable(char32_t point);

// Which control characters are left as they are.
enum class Keep : std::uint8_t {
    none,
    tabs,  // where each line is shown by itself
    lines, // tabs and line ends, where a text has several lines
};

// `text` with a `?` for each character that is not printable, and for each byte that is no UTF-8 (some terminals obey single
// bytes 0x80 to 0x9f). Appending allocates nothing where `to` has room.
void append_printable(std::string& to, std::string_view text, Keep keep = Keep::none);
[[nodiscard]] std::string printable(std::string_view text, Keep keep = Keep::none);

enum class Quoting : std::uint8_t { json, toml };

// `text` in quotes, as a string of JSON or TOML of the same value: all that is not printable is escaped by its number, so that
// it may be shown as well. U+FFFD stands for each byte that is no UTF-8, which neither can express; false: there was one.
bool append_quoted(std::string& to, std::string_view text, Quoting how);

} // namespace mi
