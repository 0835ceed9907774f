#include "generator/programs.hpp"

#include "base/clock.hpp"
#include "base/directory.hpp"
#include "convert/live.hpp"
#include "os/file/remove.hpp"
#include "os/file/runtime.hpp"
#include "os/process/timed_child.hpp"

#include <dirent.h>
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
#include <cstdio>
#include <map>

namespace mi::generator {

namespace {

constexpr std::array<const char*, 3> kinds = {"/normal", "/early", "/late"}; // in the order of the arguments

struct Running {
    std::string program;
    pid_t pid = -1;
};

// The program, if nobody else could have changed it and it can be executed; else empty, with a sentence if that is a fault.
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
    faults.push_back(path + ": not run: it " + wrong.why);
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
            faults.push_back(one.program + (WIFEXITED(status)
                                                ? ": ended with exit code " + std::to_string(WEXITSTATUS(status))
                                                : ": ended by signal " + std::to_string(WTERMSIG(status))));
        return true;
    });
}

// Everything below a directory as one text: paths, where links lead, what files have.
void tell_tree(const std::string& directory, std::size_t above, std::string& all) {
    auto entries = list_directory(directory);
    if (!entries)
        return;
    std::ranges::sort(*entries, {}, &DirectoryEntry::name);
    for (const DirectoryEntry& entry : *entries) {
        const std::string path = directory + "/" + entry.name;
        char target[PATH_MAX];
        const ssize_t length = entry.type == DT_LNK ? ::readlink(path.c_str(), target, sizeof target) : 0;
        all.append(path, above).append(1, '\0').append(target, static_cast<std::size_t>(std::max(length, ssize_t{0})));
        if (entry.type == DT_DIR)
            tell_tree(path, above, all);
        else if (entry.type == DT_REG)
            all += os::read_file(path).value_or("");
        all += '\0';
    }
}
std::string tree_text(const std::string& directory) {
    std::string all;
    tell_tree(directory, directory.size(), all);
    return all;
}

} // namespace

std::vector<std::string> run_programs(const config::Source& source, const std::string& into, Span limit) {
    std::vector<std::string> faults;
    const std::string before = into + ".old";
    (void)os::remove_tree(before);
    const bool had = ::rename(into.c_str(), before.c_str()) == 0;
    const std::vector<std::string> programs = find_programs(source, faults);
    std::array<std::string, 3> directories;
    std::vector<Running> running;
    for (std::size_t at = 0; at < kinds.size(); ++at) {
        directories[at] = into + kinds[at];
        if (auto made = os::make_directory(directories[at]); !made)
            faults.push_back(made.error().text());
    }
    for (const std::string& program : programs) {
        running.push_back({program, start(program, directories)});
        if (running.back().pid < 0)
            faults.push_back(Fault{errno, "start", program}.text()), running.pop_back();
    }
    for (const Instant end = monotonic_now() + limit; collect(running, faults), !running.empty();) {
        const Span left = end - monotonic_now();
        if (left <= Span(0))
            break;
        os::wait_for_a_child(left);
    }
    for (const Running& one : running) {
        ::kill(-one.pid, SIGKILL);
        faults.push_back(one.program + ": had not ended after " +
                         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()) +
                         " ms, and was killed");
    }
    if (had && tree_text(before) == tree_text(into)) {
        (void)os::remove_tree(into);
        if (::rename(before.c_str(), into.c_str()) != 0)
            faults.push_back(Fault{errno, "rename", before}.text());
    }
    (void)os::remove_tree(before);
    return faults;
}

} // namespace mi::generator
