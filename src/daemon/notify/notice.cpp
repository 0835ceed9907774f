#include "daemon/notify/notice.hpp"

#include "base/printable.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace mi::daemon {

namespace {

constexpr std::size_t longest_text = 256;
constexpr std::size_t longest_name = 255;                 // of a descriptor, as systemd has it
constexpr std::uint64_t longest_time = 86'400'000'000ull; // microseconds: a day

std::optional<Span> micros(std::string_view value) {
    auto number = to_number<std::uint64_t>(value);
    if (!number)
        return std::nullopt;
    return std::chrono::microseconds(std::min(*number, longest_time));
}

std::optional<core::NotifyAccess> access(std::string_view word) {
    using enum core::NotifyAccess;
    if (word == "none")
        return none;
    if (word == "main")
        return main;
    if (word == "exec")
        return exec;
    if (word == "all")
        return all;
    return std::nullopt;
}

// LISTEN_FDNAMES separates them with colons.
bool names_descriptor(std::string_view name) {
    return !name.empty() && name.size() <= longest_name &&
           std::ranges::all_of(name, [](unsigned char c) { return c > 32 && c < 127 && c != ':'; });
}

std::string error_words(std::string_view value) {
    auto number = to_number<int>(value);
    if (!number)
        return {};
    const char* words = ::strerrordesc_np(*number);
    return *number == 0 ? "" : words != nullptr ? words : "error " + std::to_string(*number);
}

} // namespace

std::string short_text(std::string_view text) {
    std::string words(cut_text(text, longest_text));
    std::ranges::replace(words, '\t', ' ');
    return printable(words);
}

Notice read_notice(std::string_view text) {
    Notice notice;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        std::size_t at = line.find('=');
        if (at == std::string_view::npos)
            continue;
        std::string_view key = line.substr(0, at), value = line.substr(at + 1);
        bool yes = value == "1";
        if (key == "READY")
            notice.ready = yes;
        else if (key == "RELOADING")
            notice.reloading = yes;
        else if (key == "STOPPING")
            notice.stopping = yes;
        else if (key == "STATUS")
            notice.status = short_text(value);
        else if (key == "ERRNO")
            notice.trouble = error_words(value);
        else if (key == "BUSERROR" || key == "VARLINKERROR")
            notice.trouble = short_text(value);
        else if (key == "MAINPID")
            notice.main_pid = short_text(value);
        else if (key == "NOTIFYACCESS")
            notice.heard = access(value);
        else if (key == "WATCHDOG")
            (value == "trigger" ? notice.hung : notice.alive) = yes || value == "trigger";
        else if (key == "WATCHDOG_USEC")
            notice.watchdog = micros(value);
        else if (key == "EXTEND_TIMEOUT_USEC")
            notice.extend = micros(value);
        else if (key == "FDSTORE")
            notice.keep = yes;
        else if (key == "FDSTOREREMOVE")
            notice.give_up = yes;
        else if (key == "FDPOLL")
            notice.polled = value != "0";
        else if (key == "FDNAME" && names_descriptor(value))
            notice.name = value;
        else if (key == "BARRIER")
            notice.barrier = yes;
    }
    return notice;
}

} // namespace mi::daemon
