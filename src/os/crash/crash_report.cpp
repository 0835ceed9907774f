#include "os/crash/crash_report.hpp"

#include "base/printable.hpp"
#include "base/signals.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>

namespace mi::os {

namespace {

std::string hexadecimal(std::uint64_t number) {
    char digits[20] = "0x";
    return {digits, std::to_chars(digits + 2, digits + sizeof digits, number, 16).ptr};
}

// Makes text from the page safe to print: a failing program may have written it, or it may be a name that another user
// gave a process.
std::string words(const char* text, std::size_t room) {
    return printable({text, static_cast<std::size_t>(std::find(text, text + room, '\0') - text)});
}

} // namespace

std::string crash_text(const CrashPage& page) {
    std::string text = signal_name(page.signal);
    if (page.code > 0 && page.signal != SIGABRT)
        text += " at " + hexadecimal(page.address);
    if (const std::string reason = words(page.text, sizeof page.text); !reason.empty())
        text.append(", ").append(reason);
    if (page.sent != 0) {
        text += ", sent by ";
        text += page.sender != 0 ? "process " + std::to_string(page.sender) : "a process outside";
        if (const std::string name = words(page.sender_name, sizeof page.sender_name); !name.empty())
            text.append(" (").append(name).append(")");
        text += " of user " + std::to_string(page.sender_user);
    }
    return text;
}

std::vector<std::string> crash_report(const CrashPage& page, Instant now) {
    std::string line = "the init has crashed: " + crash_text(page);
    const unsigned recent = recent_crashes(page, now);
    line += "; it has been executed anew" + (recent > 1 ? ", " + std::to_string(recent) + " times in a minute" : "");
    std::vector<std::string> lines{std::move(line)};
    if (page.pc == 0 && page.traced == 0)
        return lines;
    std::string places = "addr2line -Cfpe miniinit-debug " + hexadecimal(page.pc);
    for (std::size_t i = 0; i < std::min<std::size_t>(page.traced, CrashPage::most_trace); ++i)
        places += " " + hexadecimal(page.trace[i]);
    lines.push_back(std::move(places));
    return lines;
}

} // namespace mi::os
