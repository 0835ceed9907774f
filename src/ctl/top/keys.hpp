// Turns the bytes from a terminal into keys.
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
        unknown,   // another key: an unknown sequence
    };
    Kind kind = Kind::unknown;
    std::string text;
    bool operator==(const Key&) const = default;
};

// Bytes in, keys out. ESC is both a key and the beginning of a sequence: only a pause after it tells which.
class KeyReader {
public:
    void add(std::string_view bytes) { held_ += bytes; }
    // The next key. `paused`: no byte has arrived for a moment, so the held bytes are complete.
    [[nodiscard]] std::optional<Key> next(bool paused);
    // Whether an incomplete sequence is held.
    [[nodiscard]] bool waits() const { return !held_.empty(); }

private:
    [[nodiscard]] std::optional<Key> sequence(bool paused);
    std::string held_;
};

} // namespace mi::ctl
