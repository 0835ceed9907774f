// Formats a log line.
#include "base/printable.hpp"
#include "base/unreachable.hpp"
#include "ctl/logs/logs.hpp"
#include "ctl/text/local_time.hpp"

namespace mi::ctl {
namespace {

namespace logs = wire::logs;

Colour colour_of(logs::Priority priority) {
    switch (priority) {
    case logs::Priority::emerg:
    case logs::Priority::alert:
    case logs::Priority::crit:
    case logs::Priority::err: return Colour::bad;
    case logs::Priority::warning: return Colour::busy;
    case logs::Priority::notice: return Colour::strong;
    case logs::Priority::info: return Colour::plain;
    case logs::Priority::debug: return Colour::faint;
    }
    unreachable("there is no other priority");
}

} // namespace

std::string show_line(const Style& style, LogOutput output, std::string_view unit, const logs::Line& line) {
    // A service's escape sequences must not reach the terminal; a pipe gets the bytes unchanged.
    auto shown = [&](std::string_view text) {
        return style.terminal ? printable(text, Keep::tabs) : std::string(text);
    };
    // Blanks replace text that was lost when the power failed (logd/mend.hpp).
    auto trimmed = [&] {
        const std::string_view text = line.text;
        const bool init = line.source == logs::Source::init;
        return shown(init ? text.substr(0, text.find_last_not_of(' ') + 1) : text);
    };
    switch (output) {
    case LogOutput::cat: return shown(line.text) + (line.unended ? "" : "\n");
    case LogOutput::json: {
        std::string json;
        logs::append_json(json, logs::stamp_of(line.at), unit, line);
        return json;
    }
    case LogOutput::iso: {
        std::string text = logs::stamp_of(line.at) + " ";
        text += shown(unit) + " ";
        text += logs::word_of(line.priority);
        text += ' ';
        text += logs::word_of(line.source);
        if (line.source >= logs::Source::syslog && line.facility != logs::usual_facility(line.source)) {
            text += '.';
            text += logs::word_of_facility(line.facility);
        }
        return text + (line.unended ? "+: " : ": ") + paint(style, colour_of(line.priority), trimmed()) + "\n";
    }
    case LogOutput::brief: break;
    }
    const WallClock clock = wall_clock(line.at.micros);
    std::string text(clock.month_name());
    text += ' ';
    text += clock.day().substr(8);
    text += ' ';
    text += clock.time();
    text += ' ';
    // Distinguishes messages of the init about a unit from the unit's own.
    if (line.source == logs::Source::init)
        text += paint(style, Colour::strong, shown(unit) + "[init]:") + " ";
    else
        text += shown(unit) + ": ";
    return text + paint(style, colour_of(line.priority), trimmed()) + "\n";
}

} // namespace mi::ctl
