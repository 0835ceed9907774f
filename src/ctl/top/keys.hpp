// What is typed at a terminal, from the bytes that it sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

struct Key {
    enum class Kind : std::uint8_t {
        text, // `text`: one character
        up,
        down,
        page_up,
        page_down,
        home,
        end,
        enter,
        escape,
        backspace,
        interrupt, // Ctrl-C
        suspend,   // Ctrl-Z
        redraw,    // Ctrl-L
        unknown,   // some other key: a sequence that means nothing here
    };
    Kind kind = Kind::unknown;
    std::string text;
    bool operator==(const Key&) const = default;
};

// Bytes in, keys out. A terminal sends ESC for the key and as the begin of a sequence: only a pause tells which.
class KeyReader {
public:
    void add(std::string_view bytes) { held_ += bytes; }
    // The next key. `paused`: nothing more has come for a moment, so what is held is all there is of it.
    [[nodiscard]] std::optional<Key> next(bool paused);
    // Something is held whose end may still come.
    [[nodiscard]] bool waits() const { return !held_.empty(); }

private:
    [[nodiscard]] std::optional<Key> sequence(bool paused);
    std::string held_;
};

} // namespace mi::ctl
