// How a log line looks.
#include "ctl/local_time.hpp"
#include "ctl/logs.hpp"
#include "ctl/utf8.hpp"

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
    __builtin_unreachable();
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

// The text as a JSON string. False: it was no UTF-8, and U+FFFD stands for what was not.
bool add_json(std::string& to, std::string_view text) {
    bool valid = true;
    to += '"';
    while (!text.empty()) {
        const std::size_t size = character(text);
        const auto byte = static_cast<unsigned char>(text[0]);
        if (size == 0) {
            valid = false;
            to += "\\ufffd";
        } else if (byte == '"' || byte == '\\') {
            to += '\\';
            to += text[0];
        } else if (byte < 0x20 || byte == 0x7f) {
            constexpr std::string_view hex = "0123456789abcdef";
            to += "\\u00";
            to += hex[byte >> 4];
            to += hex[byte & 15];
        } else {
            to += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    to += '"';
    return valid;
}

std::string as_json(std::string_view unit, const logs::Line& line) {
    std::string json = "{\"time\":\"" + logs::stamp_of(line.at) + "\",\"unit\":";
    add_json(json, unit);
    json += ",\"priority\":\"";
    json += logs::word_of(line.priority);
    json += "\",\"stream\":\"";
    json += logs::word_of(line.source);
    if (line.source >= logs::Source::syslog) {
        json += "\",\"facility\":\"";
        json += logs::word_of_facility(line.facility);
    }
    json += line.unended ? "\",\"unended\":true,\"text\":" : "\",\"text\":";
    if (!add_json(json, line.text)) {
        json += ",\"base64\":\""; // exactly what it was
        add_base64(json, line.text);
        json += '"';
    }
    return json + "}\n";
}

} // namespace

std::string show_line(const Style& style, LogOutput output, std::string_view unit, const logs::Line& line) {
    // A service's escape sequences must not drive the reader's terminal; into a pipe everything goes as it is.
    auto shown = [&](std::string_view text) {
        std::string safe = style.terminal ? harmless(text) : std::string(text);
        for (std::size_t i = 0; safe.size() == text.size() && i < text.size(); ++i)
            if (text[i] == '\t')
                safe[i] = '\t';
        return safe;
    };
    // Blanks fill the room of what a power loss took (logd/mend.hpp).
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
        text += std::string(unit) + " ";
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
    // What the init says about a unit stands apart from what the unit says.
    if (line.source == logs::Source::init)
        text += paint(style, Colour::strong, std::string(unit) + "[init]:") + " ";
    else
        text += std::string(unit) + ": ";
    return text + paint(style, colour_of(line.priority), trimmed()) + "\n";
}

} // namespace mi::ctl
