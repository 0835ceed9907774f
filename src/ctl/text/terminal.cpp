#include "ctl/text/terminal.hpp"

#include "base/printable.hpp"
#include "base/unreachable.hpp"
#include "base/utf8.hpp"
#include "ctl/text/column_width.hpp"
#include "ctl/text/local_time.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace mi::ctl {

namespace {
// Indexed by Colour; the last one resets.
constexpr std::string_view colour_codes[] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[2m", "\033[1m", "\033[0m"};
} // namespace

Style style_of(int fd) {
    Style style;
    winsize size{};
    // Only a terminal supports this request, so it answers both questions.
    style.terminal = ::isatty(fd) == 1;
    if (style.terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0)
        style.width = size.ws_col;
    const char* no_colour = ::getenv("NO_COLOR");
    const char* kind = ::getenv("TERM");
    style.colours = style.terminal && (no_colour == nullptr || *no_colour == 0) &&
                    !(kind != nullptr && std::strcmp(kind, "dumb") == 0);
    return style;
}

std::string paint(const Style& style, Colour colour, std::string_view text) {
    if (!style.colours || colour == Colour::plain)
        return std::string(text);
    std::string painted(colour_codes[static_cast<unsigned>(colour)]);
    return painted.append(text).append(colour_codes[std::size(colour_codes) - 1]);
}

Colour colour_of(core::Phase phase) {
    switch (phase) {
    case core::Phase::up:
    case core::Phase::done: return Colour::good;
    case core::Phase::waiting:
    case core::Phase::starting:
    case core::Phase::reloading:
    case core::Phase::stopping: return Colour::busy;
    case core::Phase::backoff:
    case core::Phase::failed:
    case core::Phase::invalid: return Colour::bad;
    case core::Phase::down:
    case core::Phase::skipped: return Colour::faint;
    }
    unreachable("there is no other phase");
}

std::string harmless(std::string_view text) { return printable(text); }

std::string fit_to_show(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const std::size_t escape = std::min(text.find('\033'), text.size());
        append_printable(shown, text.substr(0, escape), Keep::lines);
        text.remove_prefix(escape);
        const auto* ours = std::ranges::find_if(
            colour_codes, [&](std::string_view code) { return !code.empty() && text.starts_with(code); });
        const std::size_t size = ours != std::end(colour_codes) ? ours->size() : 0;
        shown += size != 0 ? std::string_view(*ours) : text.empty() ? "" : "?";
        text.remove_prefix(std::min(text.size(), std::max<std::size_t>(size, 1)));
    }
    return shown;
}

std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::size_t size = character(text);
        count += size == 0 ? 1 : columns_of(code_point(text, size));
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return count;
}

std::string fitted(std::string_view text, std::size_t width) {
    const std::size_t wide = columns(text);
    if (wide <= width)
        return std::string(text).append(width - wide, ' ');
    if (width == 0)
        return {};
    // The part before the ellipsis; if half of a wide character would fit, a blank replaces it.
    std::string cut;
    std::size_t count = 0;
    while (!text.empty()) {
        const std::size_t size = std::max<std::size_t>(character(text), 1);
        const std::size_t own = columns(text.substr(0, size));
        if (count + own >= width)
            break;
        count += own;
        cut += text.substr(0, size);
        text.remove_prefix(size);
    }
    return (cut + "…").append(width - 1 - count, ' ');
}

std::string age(std::int64_t micros) {
    const std::int64_t total = micros < 0 ? 0 : micros / 1'000'000;
    auto two = [](std::int64_t great, std::string_view great_unit, std::int64_t small, std::string_view small_unit) {
        std::string text = std::to_string(great) + " " + std::string(great_unit);
        return small == 0 ? text : text + " " + std::to_string(small) + " " + std::string(small_unit);
    };
    if (total < 1)
        return std::to_string(micros < 0 ? 0 : micros / 1000) + " ms";
    if (total < 60)
        return std::to_string(total) + " s";
    if (total < 3600)
        return two(total / 60, "min", total < 600 ? total % 60 : 0, "s");
    if (total < 86400)
        return two(total / 3600, "h", total / 60 % 60, "min");
    return two(total / 86400, "d", total / 3600 % 24, "h");
}

std::string seconds(std::int64_t milliseconds) {
    const std::int64_t tenths = (milliseconds < 0 ? 0 : milliseconds) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string local_time(std::int64_t realtime_micros, bool brief) {
    const WallClock clock = wall_clock(realtime_micros);
    if (!brief)
        return clock.day() + " " + clock.time();
    const std::string millis = std::to_string(1000 + realtime_micros / 1000 % 1000);
    return clock.time() + "." + millis.substr(1);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

} // namespace mi::ctl
