#include "logd/letters.hpp"

#include <algorithm>
#include <cstring>

namespace mi::logd {
namespace {

using wire::logs::longest_prefix;
using wire::logs::longest_text;

struct Head {
    std::int64_t at;
    std::uint32_t size; // of the text
    std::uint8_t priority, facility, unended, unit_size;
};

} // namespace

bool put_message(std::span<char> room, std::size_t& used, const Letter& letter,
                 std::initializer_list<std::string_view> parts, bool cut, std::size_t& from) {
    std::size_t all = 0;
    for (std::string_view part : parts)
        all += part.size();
    const std::size_t before = sizeof(Head) + letter.unit.size();
    do {
        if (room.size() - used < before + std::min(longest_text, all - from + 1))
            return false;
        // The text is put together where it is to lie, behind the head of its letter.
        char* const text = room.data() + used + before;
        std::size_t size = 0, done = 0, skip = from;
        bool ended = false;
        for (std::string_view part : parts) {
            const std::size_t passed = std::min(skip, part.size());
            skip -= passed;
            if (passed > 0 && skip == 0 && part[passed - 1] == '\n')
                text[size++] = '\t';
            part.remove_prefix(passed);
            if (ended || size == longest_text)
                break;
            const std::size_t end = part.find('\n');
            const std::size_t taken = std::min({end, part.size(), longest_text - size});
            std::copy_n(part.data(), taken, text + size); // of nothing at nowhere, too
            size += taken;
            done += taken;
            ended = taken == end;
        }
        from += done + (ended ? 1 : 0);
        const Head head{
            letter.at.micros, static_cast<std::uint32_t>(size), static_cast<std::uint8_t>(letter.priority),
            letter.facility,  from == all ? cut : !ended,       static_cast<std::uint8_t>(letter.unit.size())};
        std::memcpy(room.data() + used, &head, sizeof head);
        std::copy(letter.unit.begin(), letter.unit.end(), room.data() + used + sizeof head);
        used += before + size;
    } while (from < all);
    return true;
}

std::optional<Read> read_letter(std::string_view text) {
    Head head;
    if (text.size() < sizeof head)
        return std::nullopt;
    std::memcpy(&head, text.data(), sizeof head);
    text.remove_prefix(sizeof head);
    // More than the one who put it there would write can only come of a collector that went wild.
    if (head.unit_size > wire::logs::longest_unit || head.size > longest_text || head.priority > 7 ||
        text.size() < std::size_t{head.unit_size} + head.size)
        return std::nullopt;
    return Read{{text.substr(0, head.unit_size),
                 {head.at},
                 static_cast<Priority>(head.priority),
                 head.facility,
                 head.unended != 0,
                 text.substr(head.unit_size, head.size)},
                sizeof head + head.unit_size + head.size};
}

LetterCut format_letters(std::string_view text, const Style& style, WallTime earliest, WallTime latest,
                         std::span<char> out) {
    LetterCut cut;
    cut.last = earliest;
    char stamp[wire::logs::stamp_size];
    WallTime stamped{-1};
    std::string_view unit;
    while (auto one = read_letter(text.substr(cut.taken))) {
        const Letter& letter = one->letter;
        if (cut.taken == 0)
            unit = letter.unit;
        if (letter.unit != unit || out.size() - cut.written < longest_prefix + letter.text.size() + 1)
            return cut;
        const bool wanted = letter.priority <= style.least;
        if (!wanted || cut.lines >= style.most_lines) {
            cut.dropped += wanted ? 1 : 0;
            cut.taken += one->size;
            continue;
        }
        ++cut.lines;
        cut.last = std::max(cut.last, std::min(letter.at, latest));
        if (stamped != cut.last)
            wire::logs::write_stamp(stamped = cut.last, stamp);
        char* to = out.data() + cut.written;
        to += write_prefix({stamp, sizeof stamp}, letter.priority, style.source, letter.unended, to, letter.facility);
        to = std::copy(letter.text.begin(), letter.text.end(), to);
        *to++ = '\n';
        cut.written = static_cast<std::size_t>(to - out.data());
        cut.taken += one->size;
    }
    if (cut.taken < text.size() && cut.written == 0)
        cut.taken = text.size(); // no letters
    return cut;
}

} // namespace mi::logd
