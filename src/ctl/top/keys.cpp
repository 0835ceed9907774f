#include "ctl/top/keys.hpp"

#include "base/utf8.hpp"

namespace mi::ctl {

namespace {

// The key of a sequence after ESC [ or ESC O (ECMA-48; those with `~` are the VT220's).
Key::Kind meaning(std::string_view body) {
    struct Known {
        std::string_view body;
        Key::Kind kind;
    };
    using Kind = Key::Kind;
    static constexpr Known known[] = {{"A", Kind::up},         {"B", Kind::down},  {"H", Kind::home},
                                      {"F", Kind::end},        {"1~", Kind::home}, {"7~", Kind::home},
                                      {"4~", Kind::end},       {"8~", Kind::end},  {"5~", Kind::page_up},
                                      {"6~", Kind::page_down}, {"M", Kind::enter}};
    for (const Known& one : known)
        if (one.body == body)
            return one.kind;
    return Kind::unknown;
}

} // namespace

std::optional<Key> KeyReader::sequence(bool paused) {
    constexpr std::size_t longest = 32; // a longer sequence is no key
    const bool introduced = held_.size() > 1 && (held_[1] == '[' || held_[1] == 'O');
    std::size_t end = introduced ? 2 : 1;
    while (introduced && end < held_.size() && end < longest && (held_[end] < 0x40 || held_[end] > 0x7e))
        ++end;
    const bool whole = introduced ? end < held_.size() : held_.size() > 1;
    if (!whole && !paused && held_.size() < longest)
        return std::nullopt;
    if (!introduced || !whole) { // the Escape key itself, or an incomplete sequence
        const bool alone = held_.size() == 1;
        held_.erase(0, whole || alone ? 1 : held_.size());
        return Key{alone || whole ? Key::Kind::escape : Key::Kind::unknown, {}};
    }
    const Key key{meaning(std::string_view(held_).substr(2, end - 1)), {}};
    held_.erase(0, end + 1);
    return key;
}

std::optional<Key> KeyReader::next(bool paused) {
    if (held_.empty())
        return std::nullopt;
    const auto first = static_cast<unsigned char>(held_[0]);
    if (first == 0x1b)
        return sequence(paused);
    auto one = [this](Key::Kind kind) {
        held_.erase(0, 1);
        return Key{kind, {}};
    };
    switch (first) {
    case 0x03: return one(Key::Kind::interrupt);
    case 0x0c: return one(Key::Kind::redraw);
    case 0x1a: return one(Key::Kind::suspend);
    case '\r':
    case '\n': return one(Key::Kind::enter);
    case 0x08:
    case 0x7f: return one(Key::Kind::backspace);
    default: break;
    }
    if (first < 0x20)
        return one(Key::Kind::unknown);
    const std::size_t size = character(held_);
    constexpr std::size_t longest = 4;
    if (size == 0 && held_.size() < longest && first >= 0xc2 && !paused)
        return std::nullopt; // the rest of the character has not arrived yet
    if (size == 0)
        return one(Key::Kind::unknown);
    Key key{Key::Kind::text, held_.substr(0, size)};
    held_.erase(0, size);
    return key;
}

} // namespace mi::ctl
