#include "logd/lines.hpp"

#include <algorithm>
#include <cstring>

namespace mi::logd {
namespace {

using wire::logs::longest_prefix;
using wire::logs::longest_text;

const char* find_end(const char* at, std::size_t rest) {
    return static_cast<const char*>(std::memchr(at, '\n', std::min(rest, longest_text + 1)));
}

// Where to split a line that is too long: not inside a UTF-8 character, if it looks like one.
std::size_t split_at(const char* text) {
    for (std::size_t size = longest_text; size > longest_text - 4; --size)
        if ((static_cast<unsigned char>(text[size]) & 0xc0) != 0x80)
            return size;
    return longest_text;
}

} // namespace

bool has_line(std::string_view text, bool take_tail) {
    return !text.empty() && (take_tail || text.size() > longest_text || find_end(text.data(), text.size()) != nullptr);
}

Cut format_lines(std::string_view text, const Style& style, std::span<char> out) {
    Cut cut{.continuing = style.continuing};
    // Nearly every line has the same beginning, so that is made once.
    char usual[longest_prefix];
    const std::size_t usual_size = write_prefix(style.stamp, Priority::info, style.source, false, usual);
    while (cut.taken < text.size()) {
        const char* at = text.data() + cut.taken;
        const std::size_t rest = text.size() - cut.taken;
        const char* end = find_end(at, rest);
        std::string_view line;
        if (end != nullptr)
            line = {at, end};
        else if (rest > longest_text)
            line = {at, split_at(at)};
        else if (style.take_tail)
            line = {at, rest};
        else
            break;
        if (out.size() - cut.written < longest_prefix + line.size() + 1)
            break;
        const std::size_t used = line.size() + (end != nullptr ? 1 : 0);
        auto priority = Priority::info;
        if (cut.continuing != 0) {
            priority = static_cast<Priority>(cut.continuing - 1);
        } else if (style.source == Source::init) {
            wire::logs::InitLine own = wire::logs::parse_init_line(line);
            if ((own.unit.empty() ? style.own_unit : own.unit) != style.unit)
                break;
            priority = own.priority;
            line = own.text;
        } else {
            priority = wire::logs::take_priority(line).value_or(priority);
        }
        if (style.source != Source::init) {
            const bool wanted = priority <= style.least;
            if (!wanted || cut.lines >= style.most_lines) {
                cut.dropped += wanted ? 1 : 0;
                cut.taken += used;
                cut.continuing = end != nullptr ? 0 : 1 + static_cast<Continuing>(priority);
                continue;
            }
            ++cut.lines;
        }
        char* to = out.data() + cut.written;
        if (priority == Priority::info && end != nullptr) {
            std::memcpy(to, usual, usual_size);
            to += usual_size;
        } else {
            to += write_prefix(style.stamp, priority, style.source, end == nullptr, to);
        }
        std::memcpy(to, line.data(), line.size());
        to += line.size();
        *to++ = '\n';
        cut.written = static_cast<std::size_t>(to - out.data());
        cut.taken += used;
        cut.continuing = end != nullptr ? 0 : 1 + static_cast<Continuing>(priority);
    }
    return cut;
}

} // namespace mi::logd
