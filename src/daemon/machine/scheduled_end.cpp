#include "daemon/machine/scheduled_end.hpp"

#include "base/printable.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "base/utf8.hpp"

namespace mi::daemon {

namespace {

std::string counted(std::int64_t number, std::string_view what) {
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

// Terminals may be in raw mode, where a line end alone does not lead to the beginning of the line.
void append_lines(std::string& out, std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
        out += line.data() == text.data() ? "" : "\r\n";
        append_printable(out, line, Keep::tabs);
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
    unreachable("there is no other ending");
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
    append_printable(out, who.empty() ? "init" : cut_text(who, 100));
    out += " at ";
    append_printable(out, cut_text(host, 100));
    out += ":\r\n\r\n";
    append_lines(out, cut_text(text, longest));
    return out + "\r\n\r\n";
}

} // namespace mi::daemon
