#include "logd/expectation.hpp"

#include "wire/log_format.hpp"
#include "wire/log_protocol.hpp"

#include <algorithm>

namespace mi::logd {

std::string_view last_line(std::string_view text) {
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    const std::size_t end = text.rfind('\n');
    return end == text.npos ? text : text.substr(end + 1);
}

Expectation::Expectation(const std::string& pattern) : expression_(Regex::compile(pattern)) {}

bool Expectation::matches(std::string_view text, bool begins) {
    if (begins)
        (void)wire::logs::take_priority(text);
    if (!expression_ || !expression_->matches(text, begins ? 0 : REG_NOTBOL))
        return false;
    line = text.substr(0, wire::logs::longest_said);
    return matched = true;
}

bool Expectation::look(std::string_view text, bool whole, bool in_pieces, std::string_view before) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const bool ends = end != text.npos;
        const std::string_view piece = text.substr(0, end);
        if (!ends && !whole && piece.size() <= wire::logs::longest_text)
            return false; // it comes again, with its rest
        std::string joined;
        if (in_pieces)
            joined.append(before).append(piece);
        if (matches(in_pieces ? std::string_view(joined) : piece, !in_pieces))
            return true;
        in_pieces = false;
        text.remove_prefix(ends ? end + 1 : text.size());
    }
    return false;
}

} // namespace mi::logd
