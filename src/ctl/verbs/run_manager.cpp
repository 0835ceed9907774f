#include "ctl/verbs/run_manager.hpp"

#include "os/file/runtime.hpp"
#include "os/file/user_place.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace mi::ctl {

namespace {

// The file for messages before the manager has a log, and for those to a terminal.
std::string console_of(const os::UserPlace& place) { return place.state + "/console"; }

[[noreturn]] void become_manager(const std::string& console) {
    // A session of its own, so that the end of the terminal does not affect it.
    if (::setsid() < 0)
        ::_exit(126);
    const int null = ::open("/dev/null", O_RDWR | O_NOCTTY);
    const int to = ::open(console.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY, 0600);
    ::dup2(null, 0);
    ::dup2(to >= 0 ? to : null, 1);
    ::dup2(to >= 0 ? to : null, 2);
    ::execl("/proc/self/exe", "miniinit", "--user", static_cast<char*>(nullptr));
    ::_exit(127);
}

} // namespace

std::expected<Client, Failure> start_user_manager(const Context& context) {
    const os::UserPlace place = os::user_place();
    if (auto made = os::make_own_directory(place.state); !made)
        return std::unexpected(Failure{made.error().text(), {}, false, false});
    const pid_t child = ::fork();
    if (child < 0)
        return std::unexpected(Failure{Fault{errno, "start miniinit --user"}.text(), {}, false, false});
    if (child == 0)
        become_manager(console_of(place));
    // The manager listens once it has read its units. If another `run` was faster, ours ends, and that one will answer.
    constexpr int tries = 1500, tries_without = 100;
    for (int left = tries; left > 0; --left) {
        std::expected<Client, Failure> client = context.connect();
        if (client || !client.error().nobody)
            return client;
        int status = 0;
        if (left > tries_without && ::waitpid(child, &status, WNOHANG) == child)
            left = tries_without;
        if (left == 1) {
            std::string said = os::read_file(console_of(place)).value_or("");
            while (said.ends_with('\n'))
                said.pop_back();
            client.error().message = "miniinit --user does not start" + (said.empty() ? "" : ":\n" + harmless(said));
            return client;
        }
        const timespec pause{0, 10'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return std::unexpected(Failure{"miniinit --user does not answer", {}, false, false});
}

} // namespace mi::ctl
