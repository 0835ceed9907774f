// The verbs that end the machine, by their own names and by those of other inits.
#include "ctl/verbs.hpp"
#include "os/shutdown.hpp"

#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mi::ctl {

namespace {

os::Ending ending_of(wire::Ending how) {
    switch (how) {
    case wire::Ending::poweroff: return os::Ending::poweroff;
    case wire::Ending::reboot: return os::Ending::reboot;
    case wire::Ending::halt: return os::Ending::halt;
    }
    __builtin_unreachable();
}

// Real-time signals mean the same to every init of this kind, and to PID 1 as much as a call does.
int signal_of(wire::Ending how) {
    switch (how) {
    case wire::Ending::poweroff: return SIGRTMIN + 4;
    case wire::Ending::reboot: return SIGRTMIN + 5;
    case wire::Ending::halt: return SIGRTMIN + 3;
    }
    __builtin_unreachable();
}

// Whether PID 1 runs the very file that we do.
bool we_are_the_init() {
    struct stat init{}, self{};
    return ::stat("/proc/1/exe", &init) == 0 && ::stat("/proc/self/exe", &self) == 0 && init.st_dev == self.st_dev &&
           init.st_ino == self.st_ino;
}

int end_by_force(const Context& context, wire::Ending how) {
    if (::geteuid() != 0)
        return context.fail("not allowed: only root may do this", refused);
    (void)os::sync_within(std::chrono::seconds(10)); // what cannot be written by then is what --force gives up
    Result<> ended = os::end_machine_by_force(ending_of(how));
    if (ended)
        return done;
    return context.fail(ended.error().text(), ended.error().code == EPERM ? refused : failed);
}

int end_machine(Context& context, wire::Ending how) {
    if (context.arguments.force)
        return end_by_force(context, how);
    auto client = context.connect();
    if (!client) {
        // Its socket may be gone, or not be there yet; its signals always work.
        const Arguments& arguments = context.arguments;
        if (client.error().nobody && arguments.control.empty() && !arguments.user && we_are_the_init() &&
            ::kill(1, signal_of(how)) == 0)
            return done;
        return context.fail(client.error());
    }
    auto answer = client->call(wire::Shutdown{how});
    if (!answer)
        return context.fail(answer.error());
    return context.arguments.json ? context.print_json(*answer) : done;
}

} // namespace

int power_off(Context& context) { return end_machine(context, wire::Ending::poweroff); }
int reboot_machine(Context& context) { return end_machine(context, wire::Ending::reboot); }
int halt_machine(Context& context) { return end_machine(context, wire::Ending::halt); }

int shutdown_main(int argc, char** argv) {
    static constexpr Verb verb{"", "shutdown", "", "", "", takes_force, 0, 0, nullptr};
    Context context{{}, verb, style_of(1), style_of(2)};
    wire::Ending how = wire::Ending::poweroff;
    ::optind = 0; // getopt's own state: begin anew
    ::opterr = 0;
    for (int letter; (letter = ::getopt(argc, argv, "hHPrcfk")) != -1;) {
        switch (letter) {
        case 'h':
        case 'P': how = wire::Ending::poweroff; break;
        case 'H': how = wire::Ending::halt; break;
        case 'r': how = wire::Ending::reboot; break;
        case 'f': context.arguments.force = true; break;
        case 'c': return context.fail("no shutdown is scheduled", failed);
        default:
            return context.fail("usage: shutdown [-h|-P|-H|-r] now\n(-h, -P power off, -H halt, -r reboot)", usage);
        }
    }
    const std::string_view when = ::optind < argc ? argv[::optind] : "";
    if (when != "now" && when != "+0")
        return context.fail("say when: only `now` is possible, as in `shutdown -h now`", usage);
    return end_machine(context, how);
}

} // namespace mi::ctl
