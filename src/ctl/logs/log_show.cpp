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

void add_base64(std::string& to, std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            to += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 63];
    }
}

std::string as_json(std::string_view unit, const logs::Line& line) {
    std::string json = "{\"time\":\"" + logs::stamp_of(line.at) + "\",\"unit\":";
    (void)append_quoted(json, unit, Quoting::json);
    json += ",\"priority\":\"";
    json += logs::word_of(line.priority);
    json += "\",\"stream\":\"";
    json += logs::word_of(line.source);
    if (line.source >= logs::Source::syslog) {
        json += "\",\"facility\":\"";
        json += logs::word_of_facility(line.facility);
    }
    json += line.unended ? "\",\"unended\":true,\"text\":" : "\",\"text\":";
    if (!append_quoted(json, line.text, Quoting::json)) {
        json += ",\"base64\":\""; // the exact bytes
        add_base64(json, line.text);
        json += '"';
    }
    return json + "}\n";
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
    case LogOutput::json: return as_json(unit, line);
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
