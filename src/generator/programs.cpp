#include "generator/programs.hpp"

#include "base/clock.hpp"
#include "convert/live.hpp"
#include "os/file/remove.hpp"
#include "os/file/runtime.hpp"
#include "os/process/timed_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

namespace mi::generator {

namespace {

constexpr Span limit = std::chrono::seconds(10);                             // for all of them together
constexpr std::array<const char*, 3> kinds = {"/normal", "/early", "/late"}; // in the order of the arguments

struct Running {
    std::string program;
    pid_t pid = -1;
};

void say(std::vector<std::string>& faults, std::string_view about, std::string_view what, std::string_view more = {}) {
    faults.emplace_back(about).append(what).append(more);
}

// The program, if no other user could have changed it and it can be executed; else empty, with a sentence if that is a fault.
std::string program_of(const config::Source& source, const config::Directory& directory, const std::string& name,
                       std::vector<std::string>& faults) {
    const std::string path = directory.path + "/" + name;
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0)
        return {}; // a mask, or switched off by its mode
    config::Distrust wrong = directory.refused ? directory.refused : config::untrusted_above(path, source);
    if (!wrong)
        wrong = config::untrusted(fd.get(), status, path, source);
    if (!wrong)
        return path;
    say(faults, path, ": not run: it ", wrong.why);
    return {};
}

// Their paths; the first directory with a name decides about it.
std::vector<std::string> find_programs(const config::Source& source, std::vector<std::string>& faults) {
    std::vector<std::string> programs, seen;
    for (const char* directory : program_directories)
        if (const auto opened = config::open_directory(source, directory))
            for (const config::Entry& entry : opened->entries) {
                if (entry.directory || convert::is_generator_done_here(entry.name) ||
                    std::ranges::find(seen, entry.name) != seen.end())
                    continue;
                seen.push_back(entry.name);
                if (std::string path = program_of(source, *opened, entry.name, faults); !path.empty())
                    programs.push_back(std::move(path));
            }
    return programs;
}

// In the child. A process group of its own: what it starts ends with it.
[[noreturn]] void execute(const char* program, char* const* arguments, char* const* environment) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int words =
        ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY); // as under systemd: the log has the kernel's
    ::dup2(null, 0);
    ::dup2(words >= 0 ? words : null, 1);
    ::dup2(1, 2);
    ::execve(program, arguments, environment);
    ::_exit(127);
}

pid_t start(const std::string& program, const std::array<std::string, 3>& directories) {
    // systemd.generator(7), ENVIRONMENT
    std::array<const char*, 5> environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                              "SYSTEMD_SCOPE=system", "SYSTEMD_IN_INITRD=0", "SYSTEMD_FIRST_BOOT=0",
                                              nullptr};
    std::array<const char*, 5> arguments = {program.c_str(), directories[0].c_str(), directories[1].c_str(),
                                            directories[2].c_str(), nullptr};
    const pid_t pid = ::fork();
    if (pid == 0)
        execute(program.c_str(), const_cast<char* const*>(arguments.data()),
                const_cast<char* const*>(environment.data()));
    return pid;
}

void collect(std::vector<Running>& running, std::vector<std::string>& faults) {
    std::erase_if(running, [&](const Running& one) {
        int status = 0;
        if (::waitpid(one.pid, &status, WNOHANG) != one.pid)
            return false;
        if (status != 0)
            say(faults, one.program, WIFEXITED(status) ? ": ended with exit code " : ": ended by signal ",
                std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
        return true;
    });
}

// Everything below a directory as one text: paths, where links lead, what files have.
void tell_tree(const config::Source& source, const std::string& path, std::size_t above, std::string& all) {
    const auto directory = config::open_directory(source, path);
    if (!directory)
        return;
    for (const config::Entry& entry : directory->entries) {
        std::string inside = path;
        inside.append(1, '/').append(entry.name);
        all.append(inside, above).append(1, '\0');
        char target[PATH_MAX];
        if (entry.directory)
            tell_tree(source, inside, above, all);
        else if (entry.regular)
            all += config::read_entry(source, *directory, entry, config::largest_unit).text;
        else if (const ssize_t length = ::readlink(inside.c_str(), target, sizeof target); length > 0)
            all.append(target, static_cast<std::size_t>(length));
        all += '\0';
    }
}
std::string tree_text(const config::Source& source, const std::string& directory) {
    std::string all;
    tell_tree(source, directory, directory.size(), all);
    return all;
}

} // namespace

std::vector<std::string> run_programs(const config::Source& source, const std::string& into) {
    std::vector<std::string> faults;
    const std::string before = into + ".old";
    (void)os::remove_tree(before);
    const bool had = ::rename(into.c_str(), before.c_str()) == 0;
    const std::vector<std::string> programs = find_programs(source, faults);
    std::array<std::string, 3> directories;
    std::vector<Running> running;
    for (std::size_t at = 0; at < kinds.size(); ++at) {
        directories[at] = into + kinds[at];
        if (!os::make_directory(directories[at]))
            say(faults, directories[at], " cannot be made");
    }
    for (const std::string& program : programs) {
        running.push_back({program, start(program, directories)});
        if (running.back().pid < 0)
            say(faults, program, ": cannot be started"), running.pop_back();
    }
    for (const Instant end = monotonic_now() + limit; collect(running, faults), !running.empty();) {
        const Span left = end - monotonic_now();
        if (left <= Span(0))
            break;
        os::wait_for_a_child(left);
    }
    for (const Running& one : running) {
        ::kill(-one.pid, SIGKILL);
        say(faults, one.program, ": had not ended after 10 s, and was killed");
    }
    if (had && tree_text(source, before) == tree_text(source, into)) {
        (void)os::remove_tree(into);
        if (::rename(before.c_str(), into.c_str()) != 0)
            say(faults, before, " cannot be renamed");
    }
    (void)os::remove_tree(before);
    return faults;
}

} // namespace mi::generator
