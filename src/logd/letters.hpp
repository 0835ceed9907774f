// Lines that come with more than their text (whose they are, when they came, how urgent they are), one after the other in
// the text of a batch: what the collector makes of datagrams and kernel messages, before they become lines of files.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "logd/lines.hpp"

namespace mi::logd {

struct Letter {
    std::string_view unit; // at most longest_unit bytes
    WallTime at;
    Priority priority = Priority::info;
    wire::logs::Facility facility = wire::logs::facility_user;
    bool unended = false;
    std::string_view text; // one line, at most longest_text bytes
};

// Appends to the `used` bytes in `room` what stands in `parts` one after the other, as many letters as it has lines; all
// but the first line begin with a tab. `from` says how many bytes of `parts` are done, and is set to what is done now.
// `cut`: the last line has no end. False: the rest does not fit.
bool put_message(std::span<char> room, std::size_t& used, const Letter& letter,
                 std::initializer_list<std::string_view> parts, bool cut, std::size_t& from);

// The first letter in `text`, and its size there; nothing where there is none.
struct Read {
    Letter letter;
    std::size_t size = 0;
};
[[nodiscard]] std::optional<Read> read_letter(std::string_view text);

struct LetterCut : Cut {
    WallTime last; // stamp of the last line that was written
};
// Writes the letters of the first one's unit into `out`, as format_lines does, up to one that is another unit's or does
// not fit. Their stamps are not before `earliest` (the last line in the file) nor after `latest`. Of `style`, source and
// limits count; those of the kernel are not limited in number.
[[nodiscard]] LetterCut format_letters(std::string_view text, const Style& style, WallTime earliest, WallTime latest,
                                       std::span<char> out);

} // namespace mi::logd
