// The verbs that end the machine, by their own names and by those of other inits.
#include "base/clock.hpp"
#include "base/join.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "ctl/text/local_time.hpp"
#include "ctl/text/view.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/machine/shutdown.hpp"
#include "os/mount/switch_root.hpp"
#include "os/process/accounts.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

namespace mi::ctl {

namespace {

os::Ending ending_of(wire::Ending how) {
    switch (how) {
    case wire::Ending::poweroff: return os::Ending::poweroff;
    case wire::Ending::reboot: return os::Ending::reboot;
    case wire::Ending::halt: return os::Ending::halt;
    case wire::Ending::kexec: return os::Ending::kexec;
    }
    unreachable("there is no other ending");
}

// The real-time signal that makes PID 1 end the machine; all inits of this kind understand these numbers. 0: there is
// none.
int signal_of(wire::Ending how) {
    switch (how) {
    case wire::Ending::poweroff: return SIGRTMIN + 4;
    case wire::Ending::reboot: return SIGRTMIN + 5;
    case wire::Ending::halt: return SIGRTMIN + 3;
    case wire::Ending::kexec: break;
    }
    return 0;
}

// Whether PID 1 runs the same program file as this process.
bool we_are_the_init() {
    struct stat init{}, self{};
    return ::stat("/proc/1/exe", &init) == 0 && ::stat("/proc/self/exe", &self) == 0 && init.st_dev == self.st_dev &&
           init.st_ino == self.st_ino;
}

int end_by_force(const Context& context, wire::Ending how) {
    if (::geteuid() != 0)
        return context.fail("not allowed: only root may do this", refused);
    if (!context.arguments.no_sync)
        (void)os::sync_within(std::chrono::seconds(10)); // --force gives up data that takes longer
    Result<> ended = os::end_machine_by_force(ending_of(how));
    if (ended)
        return done;
    return context.fail(ended.error().text(), ended.error().code == EPERM ? refused : failed);
}

// "root on pts/0": the caller, for people.
std::string caller() {
    auto user = os::Accounts().user(std::to_string(::getuid()));
    std::string who = user && !user->name.empty() ? user->name
                      : ::getuid() == 0           ? "root"
                                                  : "user " + std::to_string(::getuid());
    constexpr std::string_view devices = "/dev/";
    if (const char* terminal = ::ttyname(0); terminal != nullptr && std::string_view(terminal).starts_with(devices))
        who += std::string(" on ") + (terminal + devices.size());
    return who;
}

int show_schedule(Context& context, const wire::Schedule& schedule) {
    if (context.arguments.json)
        return context.print_json(schedule);
    std::string text;
    if (schedule.scheduled)
        text = scheduled_view(*schedule.scheduled) + "\n(`" + context.command("poweroff") + "--cancel` cancels it)\n";
    if (schedule.scheduled && schedule.before)
        text += "It was " + scheduled_view(*schedule.before) + "\n";
    return context.print(text);
}

int cancel_end(Context& context) {
    const Arguments& arguments = context.arguments;
    auto answer = context.call(wire::CancelShutdown{arguments.message, caller(), arguments.no_wall});
    if (!answer)
        return context.fail(answer.error());
    if (!answer->before)
        return context.fail("no shutdown is scheduled", failed);
    return show_schedule(context, *answer);
}

// `how` is used if no option chooses an ending. --when delays it; --force does it at once, without the init.
int end_machine(Context& context, wire::Ending how) {
    const Arguments& arguments = context.arguments;
    if (arguments.cancel)
        return cancel_end(context);
    if (arguments.only_record) // there is no wtmp to write
        return done;
    wire::Shutdown request{.how = arguments.how.value_or(how),
                           .message = arguments.message,
                           .who = caller(),
                           .no_wall = arguments.no_wall,
                           .warn_only = arguments.warn_only};
    if (!arguments.when.empty()) {
        auto time = end_time_of(arguments.when, wall_now().micros);
        if (!time)
            return context.fail("\"" + harmless(arguments.when) + "\" is no time: say now, +MINUTES or HH:MM", usage);
        request.in_seconds = time->in_seconds;
        request.at_realtime = time->at_realtime;
    }
    const bool later = request.in_seconds || request.at_realtime;
    if (arguments.force)
        return later ? context.fail("--force is at once, and --when is not", usage)
                     : end_by_force(context, request.how);
    auto answer = context.call(request);
    if (answer)
        return show_schedule(context, *answer);
    // The init's socket may be missing or not exist yet; its signals always work.
    if (answer.error().nobody && !later && !request.warn_only && arguments.control.empty() && !arguments.user &&
        we_are_the_init() && signal_of(request.how) != 0 && ::kill(1, signal_of(request.how)) == 0)
        return done;
    return context.fail(answer.error());
}

} // namespace

std::optional<EndTime> end_time_of(std::string_view text, std::int64_t now) {
    if (text == "now")
        return EndTime{};
    constexpr unsigned most = 5 * 366 * 24 * 60;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        const auto hours = to_number<unsigned>(text.substr(0, colon)),
                   minutes = to_number<unsigned>(text.substr(colon + 1));
        if (!hours || !minutes || *hours > 23 || *minutes > 59 || text.size() > 5)
            return std::nullopt;
        const std::chrono::sys_days today(wall_clock(now).date);
        const std::int64_t of_day = std::int64_t{*hours} * 3600 + *minutes * 60;
        std::int64_t at = moment_of(today, of_day);
        if (at <= now)
            at = moment_of(today + std::chrono::days(1), of_day);
        return EndTime{.at_realtime = at};
    }
    const auto minutes = to_number<unsigned>(text.substr(text.starts_with('+') ? 1 : 0));
    if (!minutes || *minutes > most)
        return std::nullopt;
    if (*minutes == 0)
        return EndTime{};
    return EndTime{.in_seconds = std::int64_t{*minutes} * 60};
}

int power_off(Context& context) { return end_machine(context, wire::Ending::poweroff); }
int reboot_machine(Context& context) { return end_machine(context, wire::Ending::reboot); }
int halt_machine(Context& context) { return end_machine(context, wire::Ending::halt); }
int kexec_machine(Context& context) { return end_machine(context, wire::Ending::kexec); }

int switch_root(Context& context) {
    Arguments& arguments = context.arguments;
    auto init = os::check_new_root(arguments.words[0], arguments.words.size() > 1 ? arguments.words[1] : "");
    if (!init)
        return context.fail(init.error().text());
    char real[PATH_MAX]; // process 1 resolves the path, starting from `/`
    if (::realpath(arguments.words[0].c_str(), real) == nullptr)
        return context.fail(fault(errno, "look at", arguments.words[0]).error().text());
    arguments.system = !arguments.user;
    return context.obey(wire::SwitchRoot{real, *init});
}

int soft_reboot(Context& context) {
    Arguments& arguments = context.arguments;
    wire::SwitchRoot request{.root = {}, .init = {}, .soft = true};
    if (!arguments.words.empty()) {
        char real[PATH_MAX]; // process 1 resolves the path, starting from `/`
        if (::realpath(arguments.words[0].c_str(), real) == nullptr)
            return context.fail(fault(errno, "look at", arguments.words[0]).error().text());
        request.root = real;
    }
    arguments.system = !arguments.user;
    return context.obey(request);
}

int shut_down(Context& context) {
    Arguments& arguments = context.arguments;
    auto word = arguments.words.begin();
    if (!arguments.cancel)
        arguments.when = word == arguments.words.end() ? "+1" : *word++;
    for (; word != arguments.words.end(); ++word)
        join_to(arguments.message, *word, " ");
    return end_machine(context, wire::Ending::poweroff);
}

} // namespace mi::ctl
