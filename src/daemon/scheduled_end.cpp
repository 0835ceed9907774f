#include "daemon/scheduled_end.hpp"

namespace mi::daemon {

namespace {

std::string counted(std::int64_t number, std::string_view what) {
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

// Control characters become blanks, those of the upper half (ESC as one byte, and in UTF-8) as well. Line ends stay.
void append_harmless(std::string& out, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto letter = static_cast<unsigned char>(text[i]);
        const bool upper = letter == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        // Bytes from 0x80 are left alone within a character of UTF-8 only: by themselves some terminals obey them.
        const bool stray =
            letter >= 0x80 && letter < 0xa0 && (i == 0 || static_cast<unsigned char>(text[i - 1]) < 0x80);
        if (letter == '\n')
            out += "\r\n";
        else if (letter < 0x20 || letter == 0x7f || upper || stray)
            out += ' ';
        else
            out += text[i];
        i += upper ? 1 : 0;
    }
}

} // namespace

Span next_warning(Span left) {
    // As shutdown(8) has it: seldom while there is time, then more and more often.
    constexpr int minutes[] = {24 * 60, 12 * 60, 3 * 60, 60, 30, 15, 10, 5, 2, 1};
    for (int mark : minutes)
        if (std::chrono::minutes(mark) < left)
            return std::chrono::minutes(mark);
    return Span{0};
}

std::string time_left(Span left) {
    using namespace std::chrono;
    const std::int64_t seconds_left = ceil<seconds>(left).count();
    if (seconds_left <= 0)
        return "now";
    if (seconds_left < 60)
        return "in " + counted(seconds_left, "second");
    const std::int64_t minutes_left = (seconds_left + 30) / 60;
    std::string text = "in";
    if (minutes_left >= 60)
        text += " " + counted(minutes_left / 60, "hour");
    if (minutes_left % 60 != 0)
        text += " " + counted(minutes_left % 60, "minute");
    return text;
}

std::string_view noun(wire::Ending how) {
    switch (how) {
    case wire::Ending::poweroff: return "power-off";
    case wire::Ending::reboot: return "reboot";
    case wire::Ending::halt: return "halt";
    case wire::Ending::kexec: return "kexec";
    }
    __builtin_unreachable();
}

std::string log_line(const ScheduledEnd& end, Span left) {
    std::string text(end.warn_only ? "only a warning: " : "");
    text += std::string(noun(end.how)) + " " + time_left(left);
    if (!end.who.empty())
        text += ", asked for by " + end.who;
    if (!end.message.empty())
        text += ": " + end.message;
    return text;
}

std::string warning(const ScheduledEnd& end, Span left) {
    return end.message + (end.message.empty() ? "" : "\n") + "The system is going down for " +
           std::string(noun(end.how)) + " " + time_left(left) + "!";
}

std::string broadcast(std::string_view who, std::string_view host, std::string_view text) {
    constexpr std::size_t longest = 3000; // less than a terminal takes without anybody reading
    std::string out = "\r\n\aBroadcast message from ";
    append_harmless(out, who.empty() ? "init" : who.substr(0, 100));
    out += " at ";
    append_harmless(out, host.substr(0, 100));
    out += ":\r\n\r\n";
    append_harmless(out, text.substr(0, longest));
    return out + "\r\n\r\n";
}

} // namespace mi::daemon
