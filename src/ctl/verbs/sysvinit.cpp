#include "ctl/verbs/sysvinit.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "ctl/run.hpp"
#include "ctl/verbs/verbs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace mi::ctl {

namespace {

// The verb for `telinit WORD`, and its operand.
struct Meaning {
    std::string_view verb;
    std::string_view operand;
};
std::optional<Meaning> meaning_of(std::string_view word) {
    if (word.size() != 1)
        return std::nullopt;
    switch (word.front()) {
    case '0': return Meaning{"poweroff", ""};
    case '6': return Meaning{"reboot", ""};
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case 's':
    case 'S': return Meaning{"target", word};
    case 'q':
    case 'Q': return Meaning{"reload-units", ""};
    case 'u':
    case 'U': return Meaning{"reexec", ""};
    default: return std::nullopt;
    }
}

} // namespace

std::string target_of_runlevel(const std::string& word) {
    if (word == "s" || word == "S")
        return "runlevel1";
    if (word.size() == 1 && word.front() >= '0' && word.front() <= '6')
        return "runlevel" + word;
    return word;
}

bool is_telinit_word(std::string_view word) { return meaning_of(word).has_value(); }

int telinit_main(int argc, char** argv) {
    const std::string_view word = argc == 2 ? argv[1] : "";
    const std::optional<Meaning> meaning = meaning_of(word);
    if (!meaning) {
        write_all(2,
                  "usage: telinit 0|1|2|3|4|5|6|S|q|u\n(0 powers off, 6 reboots, 1 and S are rescue, q reads the units "
                  "again, u executes the init anew)\n");
        return word == "--help" ? done : usage;
    }
    for (const Verb& verb : verbs()) {
        if (verb.name != meaning->verb)
            continue;
        Context context{{}, verb, style_of(1), style_of(2)};
        context.arguments.system = true;
        if (!meaning->operand.empty())
            context.arguments.words.emplace_back(meaning->operand);
        return context.outcome(verb.run(context));
    }
    return failed;
}

std::optional<ScriptStatus> script_status(const std::string& unit, Span patience) {
    constexpr std::string_view prefix = "sysv@";
    if (!unit.starts_with(prefix))
        return std::nullopt;
    const std::string script = "/etc/init.d/" + unit.substr(prefix.size());
    int ends[2];
    if (::access(script.c_str(), X_OK) != 0 || ::pipe2(ends, O_CLOEXEC) != 0)
        return std::nullopt;
    Fd from(ends[0]), to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        return std::nullopt;
    if (child == 0) {
        const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::dup2(null, 0);
        ::dup2(to.get(), 1);
        ::dup2(to.get(), 2);
        ::setpgid(0, 0);
        ::execl(script.c_str(), script.c_str(), "status", static_cast<char*>(nullptr));
        ::_exit(127);
    }
    to.reset();
    ScriptStatus status;
    const auto end = monotonic_now() + patience;
    bool in_time = true;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - monotonic_now()).count();
        pollfd one{from.get(), POLLIN, 0};
        const int ready = left > 0 ? ::poll(&one, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        char piece[1024];
        const ssize_t got = ready > 0 ? ::read(from.get(), piece, sizeof piece) : 0;
        in_time = ready != 0;
        if (got <= 0)
            break;
        if (status.text.size() < 4096)
            status.text.append(piece, static_cast<std::size_t>(got));
    }
    if (!in_time)
        ::kill(-child, SIGKILL);
    int result = 0;
    while (::waitpid(child, &result, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return ScriptStatus{script + " status takes too long", 4};
    status.code = WIFEXITED(result) ? WEXITSTATUS(result) : 4;
    status.text = std::string(trim(status.text.substr(0, status.text.find('\n'))));
    return status;
}

} // namespace mi::ctl
