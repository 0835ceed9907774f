#include "daemon/machine/machine.hpp"

#include "base/clock.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/machine/system_credentials.hpp"
#include "os/machine/shutdown.hpp"
#include "os/machine/system.hpp"
#include "os/mount/switch_root.hpp"

#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {

constexpr Span grace = std::chrono::seconds(3); // from TERM to KILL, for what no unit owned
constexpr Span killing_limit = std::chrono::seconds(10);

// The build's own time, in seconds since 1970: no clock is right that shows an earlier one.
#ifndef MINIINIT_BUILD_TIME
#define MINIINIT_BUILD_TIME 0
#endif

} // namespace

// A right clock is later than the build by the age of the build, too.
bool clock_is_believable() {
    constexpr std::int64_t at_once = 2'000'000;
    const auto up = std::chrono::duration_cast<std::chrono::microseconds>(boottime_now()).count();
    return wall_now().micros > MINIINIT_BUILD_TIME * std::int64_t{1'000'000} + up + at_once;
}

std::vector<std::string> bring_up_machine() {
    std::vector<std::string> faults;
    auto note = [&](const auto& result) {
        if (!result)
            faults.push_back(result.error().text());
    };
    const auto completed = os::complete_root();
    note(completed);
    if (completed && *completed)
        faults.push_back(
            "the root file system cannot be written and lacks /proc, /sys, /dev or /run: the root is one in memory, "
            "with all of it bound in");
    for (const Fault& fault : os::mount_api())
        faults.push_back(fault.text());
    import_system_credentials();
    note(os::take_console());
    note(os::disable_ctrl_alt_del());
    note(os::set_hostname());
    note(os::bring_loopback_up());
    auto set = os::sane_clock({MINIINIT_BUILD_TIME * std::int64_t{1'000'000}});
    note(set);
    if (set && *set)
        faults.push_back("the clock was earlier than this program and was set to its build time");
    return faults;
}

void switch_root(const NewRoot& to, const std::string& program, const GoingOn* going) {
    Console console(true);
    auto say = [&](std::string_view line) { console.line(line); };
    auto end_all = [&] {
        for (const std::string& left : os::end_all_processes(grace, killing_limit, say))
            console.line("still there: " + left);
    };
    Result<Fd> init = fault(ENOENT, "open", to.init);
    if (going == nullptr) {
        end_all();
    } else {
        for (const std::string& left : os::end_other_processes(going->lives_on, grace, killing_limit, say))
            console.line("still there: " + left);
        init = os::open_in_root(to.root, to.init);
    }
    if (auto moved = to.same() ? Result<>() : os::move_to_root(to.root, going != nullptr); moved) {
        console.line((to.same() ? "the file systems stay" : to.root + " is the root directory now") + "; executing " +
                     to.init);
        if (going != nullptr) {
            console.line((init ? going->hand_over(init->get()) : init.error()).text() + "; what was kept is ended");
            end_all();
        }
        console.line(os::execute_init(to.init).error().text());
        for (const char* usual : os::usual_inits)
            console.line(os::execute_init(usual).error().text());
        console.line("there is no init here: this is a shell, and process 1");
        console.line(os::execute_init("/bin/sh").error().text());
    } else {
        console.line(moved.error().text() + "; starting anew where we are");
        if (going != nullptr)
            console.line(going->hand_over(-1).text());
        console.line(os::execute_init(program).error().text());
    }
    end_machine({.how = core::Ending::halt});
}

} // namespace mi::daemon
