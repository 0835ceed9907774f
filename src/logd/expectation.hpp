// A line that somebody waits for (`[health] log-line`): a POSIX extended regular expression, and what was read of its stream
// looked through for it. What reads the stream is courier.hpp's.
#pragma once

#include "base/regex.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace mi::logd {

// The last line of `text` that has an end, or the rest where none has one; without its end.
[[nodiscard]] std::string_view last_line(std::string_view text);

class Expectation {
public:
    explicit Expectation(const std::string& pattern);

    // Looks through the lines of `text`, which begins where the text before left an unfinished line, with that. An unfinished line
    // at its end waits for the rest, unless it is `whole` or so long that it is written in pieces. `in_pieces`: some of the first
    // line was written already, and `before` is the end of that. True: one matches.
    bool look(std::string_view text, bool whole, bool in_pieces, std::string_view before);

    bool matched = false;
    std::string line; // the beginning of the one that did

private:
    [[nodiscard]] bool matches(std::string_view text, bool begins);

    std::expected<Regex, std::string> expression_; // one that does not compile matches nothing
};

} // namespace mi::logd
