#include "os/process/limits.hpp"

#include "base/resource_limits.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>

namespace mi::os {
namespace {

constexpr rlim_t mebi = 1 << 20;

struct Need {
    decltype(RLIMIT_AS) resource;
    std::string_view name; // as in a unit's `limits`, and after RLIMIT_
    std::string_view of;
    rlim_t want;  // we raise the soft limit to this; 0: to the hard limit
    rlim_t least; // with less we do not start; for memory: in addition to our present use
    bool memory = false;
};

// `least` is enough for a manager with the log collector and a few units. FSIZE: the shared memory in which the
// collector finds unwritten messages, and the memory of our state, are files for the kernel.
constexpr Need needs[] = {
    {RLIMIT_FSIZE, "FSIZE", "the size of a file", RLIM_INFINITY, 8 * mebi},
    {RLIMIT_AS, "AS", "address space", RLIM_INFINITY, 24 * mebi, true},
    {RLIMIT_DATA, "DATA", "data memory", RLIM_INFINITY, 8 * mebi, true},
    {RLIMIT_STACK, "STACK", "the stack", 8 * mebi, 512 << 10},
    {RLIMIT_CPU, "CPU", "processor time", RLIM_INFINITY, 10},
    {RLIMIT_NOFILE, "NOFILE", "open files", 0, 40},
};

constexpr rlim_t least_processes = 4; // we, the collector, a service, and the process that ends it

std::string amount(const Need& need, rlim_t value) {
    if (need.resource == RLIMIT_CPU)
        return std::to_string(value) + " s";
    if (need.resource == RLIMIT_NOFILE)
        return std::to_string(value);
    if (value >= mebi)
        return std::to_string(value / mebi) + " MiB";
    return std::to_string(value >> 10) + " KiB";
}

std::string sentence(std::string_view of, std::string_view name, const std::string& is, const std::string& needed) {
    return "the limit of " + std::string(of) + " (RLIMIT_" + std::string(name) + ") is " + is + ", and " + needed +
           " are needed: raise it where we are started";
}

// Our memory use in bytes: the whole address space, and the part that counts as data.
struct Used {
    rlim_t all = 0, data = 0;
};

Used used_memory() {
    Used used;
    const std::string statm = read_file("/proc/self/statm").value_or("");
    const std::vector<std::string_view> words = split(statm, ' ');
    const auto page = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
    if (words.size() > 5) {
        used.all = to_number<rlim_t>(words[0]).value_or(0) * page;
        used.data = to_number<rlim_t>(words[5]).value_or(0) * page;
    }
    return used;
}

// Whether `count` more children can live at the same time: RLIMIT_NPROC counts all processes of our user, and does not
// bind a privileged one.
bool can_have_children(rlim_t count) {
    std::vector<pid_t> children;
    while (children.size() < count) {
        const pid_t child = ::fork();
        if (child == 0)
            for (;;)
                ::pause();
        if (child < 0)
            break;
        children.push_back(child);
    }
    for (const pid_t child : children) {
        (void)::kill(child, SIGKILL);
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    return children.size() == count;
}

} // namespace

bool is_of_our_limits(int signal) { return signal == SIGXFSZ || signal == SIGXCPU || signal == SIGPIPE; }

bool is_own_doing(int signal, int code, pid_t sender) {
    // SIGXCPU is sent by the kernel (SI_KERNEL); the others carry the process that made the call as their sender.
    return is_of_our_limits(signal) && (code == SI_KERNEL || (code == SI_USER && sender == ::getpid()));
}

void outlive(std::initializer_list<int> signals) {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    for (const int signal : signals)
        (void)::sigaction(signal, &action, nullptr);
}

void outlive_limits() { outlive({SIGXFSZ, SIGXCPU, SIGPIPE}); }

std::vector<Limit> raise_own_limits() {
    std::vector<Limit> before;
    for (const Need& need : needs) {
        rlimit was{};
        if (::getrlimit(need.resource, &was) != 0)
            continue;
        const rlim_t want = need.want != 0 ? need.want : was.rlim_max;
        if (was.rlim_cur >= want)
            continue;
        rlimit fresh{want, std::max(want, was.rlim_max)};
        if (::setrlimit(need.resource, &fresh) != 0) {
            fresh = {std::min(want, was.rlim_max), was.rlim_max};
            if (fresh.rlim_cur == was.rlim_cur || ::setrlimit(need.resource, &fresh) != 0)
                continue;
        }
        before.push_back({need.resource, was.rlim_cur, was.rlim_max});
    }
    return before;
}

std::string words_of(const Limit& limit) {
    const auto* const known = std::ranges::find(resource_limits, limit.resource, &ResourceLimit::resource);
    const auto bound = [](rlim_t value) {
        return value == RLIM_INFINITY ? std::string("\"unlimited\"") : std::to_string(value);
    };
    const std::string name =
        known != std::end(resource_limits) ? std::string(known->name) : "resource " + std::to_string(limit.resource);
    return name + " = " +
           (limit.soft == limit.hard ? bound(limit.soft) : "[" + bound(limit.soft) + ", " + bound(limit.hard) + "]");
}

Limit reachable(Limit limit) {
    constexpr rlim_t usual = 1u << 20; // the default of fs.nr_open
    limit.at_most = limit.hard == RLIM_INFINITY;
    if (limit.resource != RLIMIT_NOFILE)
        return limit;
    const std::string text = read_file("/proc/sys/fs/nr_open").value_or("");
    const rlim_t most = to_number<rlim_t>(trim(text)).value_or(usual);
    limit.at_most = limit.hard > most;
    limit.hard = std::min(limit.hard, most);
    limit.soft = std::min(limit.soft, limit.hard);
    return limit;
}

std::vector<std::string> too_small_limits() {
    std::vector<std::string> sentences;
    std::optional<Used> used;
    for (const Need& need : needs) {
        rlimit is{};
        if (::getrlimit(need.resource, &is) != 0 || is.rlim_cur == RLIM_INFINITY)
            continue;
        rlim_t least = need.least;
        if (need.memory) {
            if (!used)
                used = used_memory();
            least += need.resource == RLIMIT_AS ? used->all : used->data;
        }
        if (is.rlim_cur < least)
            sentences.push_back(sentence(need.of, need.name, amount(need, is.rlim_cur), amount(need, least)));
    }
    rlimit processes{};
    if (::getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur < least_processes &&
        !can_have_children(least_processes - 1))
        sentences.push_back(sentence("processes of our user", "NPROC", std::to_string(processes.rlim_cur),
                                     std::to_string(least_processes)));
    return sentences;
}

std::vector<std::string> dangerous_limits() {
    std::vector<std::string> sentences;
    rlimit is{};
    if (::getrlimit(RLIMIT_CPU, &is) == 0 && is.rlim_max != RLIM_INFINITY)
        sentences.push_back("the limit of processor time (RLIMIT_CPU) is " + std::to_string(is.rlim_max) +
                            " s: the kernel kills us when we have used it; raise it where we are started");
    return sentences;
}

} // namespace mi::os
