#include "os/machine/terminals.hpp"

#include "base/directory.hpp"
#include "base/fd.hpp"
#include "os/file/runtime.hpp"
#include "os/process/helper_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::os {
namespace {

constexpr int patience = 1000; // milliseconds, for all full terminals together

bool is_name(std::string_view line) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-";
    return !line.empty() && line.front() != '/' && line.find_first_not_of(letters) == std::string_view::npos;
}

std::vector<std::string> pseudo_terminals() {
    std::vector<std::string> names;
    if (const auto entries = list_directory("/dev/pts"))
        for (const DirectoryEntry& entry : *entries)
            if (entry.name[0] >= '0' && entry.name[0] <= '9')
                names.push_back("pts/" + entry.name);
    return names;
}

// Runs in a child: opening a terminal may take long, whatever the flags.
void write_all_terminals(const std::string& text) {
    std::vector<std::string> names;
    for (const char* file : {"/run/utmp", "/var/run/utmp"})
        if (auto contents = read_file(file, 4 << 20); contents && names.empty())
            names = terminals_in_use(*contents);
    if (names.empty())
        names = pseudo_terminals();
    std::vector<Fd> terminals;
    std::vector<pollfd> full;
    std::vector<std::size_t> written;
    for (const std::string& name : names) {
        Fd terminal(::open(("/dev/" + name).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        if (!terminal || ::isatty(terminal.get()) == 0)
            continue;
        ssize_t put = ::write(terminal.get(), text.data(), text.size());
        if (put == static_cast<ssize_t>(text.size()) || (put < 0 && errno != EAGAIN))
            continue;
        full.push_back({terminal.get(), POLLOUT, 0});
        written.push_back(static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
        terminals.push_back(std::move(terminal));
    }
    // A terminal that is stopped (Ctrl-S) or that no program reads is given this one more chance.
    if (full.empty() || ::poll(full.data(), full.size(), patience) <= 0)
        return;
    for (std::size_t i = 0; i < full.size(); ++i)
        if ((full[i].revents & POLLOUT) != 0) {
            [[maybe_unused]] ssize_t put = ::write(full[i].fd, text.data() + written[i], text.size() - written[i]);
        }
}

} // namespace

std::vector<std::string> terminals_in_use(std::string_view contents) {
    std::vector<std::string> names;
    for (; contents.size() >= sizeof(utmp); contents.remove_prefix(sizeof(utmp))) {
        utmp entry;
        std::memcpy(&entry, contents.data(), sizeof entry);
        if (entry.ut_type != USER_PROCESS)
            continue;
        std::string line(entry.ut_line, ::strnlen(entry.ut_line, sizeof entry.ut_line));
        if (is_name(line) && std::ranges::find(names, line) == names.end())
            names.push_back(std::move(line));
    }
    return names;
}

Result<pid_t> write_to_terminals(const std::string& text) {
    return start_helper("wall", [&] {
        write_all_terminals(text);
        return 0;
    });
}

} // namespace mi::os
