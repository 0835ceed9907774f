#include "daemon/machine.hpp"

#include "base/text.hpp"
#include "daemon/console.hpp"
#include "os/shutdown.hpp"
#include "os/switch_root.hpp"
#include "os/system.hpp"

#include <unistd.h>

#include <utility>

namespace mi::daemon {

namespace {

constexpr Span grace = std::chrono::seconds(3); // from TERM to KILL, for what no unit owned
constexpr Span killing_limit = std::chrono::seconds(10);
constexpr Span storage_limit = std::chrono::seconds(30);

// The build's own time, in seconds since 1970: no clock is right that shows an earlier one.
#ifndef MINIINIT_BUILD_TIME
#define MINIINIT_BUILD_TIME 0
#endif

constexpr std::pair<std::string_view, os::Ending> endings[]{{"poweroff", os::Ending::poweroff},
                                                            {"reboot", os::Ending::reboot},
                                                            {"halt", os::Ending::halt},
                                                            {"kexec", os::Ending::kexec}};

std::string_view word(core::Ending how) {
    switch (how) {
    case core::Ending::reboot: return "reboot";
    case core::Ending::halt: return "halt";
    case core::Ending::kexec: return "kexec";
    case core::Ending::none:
    case core::Ending::exit:
    case core::Ending::switch_root:
    case core::Ending::poweroff: return "poweroff";
    }
    __builtin_unreachable();
}

} // namespace

KernelWishes kernel_wishes(std::vector<std::string> words) {
    KernelWishes wishes;
    for (const std::string& word : words) {
        if (word == "single" || word == "s" || word == "S" || word == "1" || word == "rescue")
            wishes.target = "rescue";
        else if (word == "emergency")
            wishes.target = "emergency";
        else if (word == "2" || word == "3" || word == "4" || word == "5")
            wishes.target = "runlevel" + word;
        else if (word == "quiet")
            wishes.quiet = true;
        else if (word == "miniinit.shell")
            wishes.shell = true;
        else if (word == "miniinit.debug-faults")
            wishes.debug_faults = true;
        else if (std::string_view key = "miniinit.target="; word.starts_with(key))
            wishes.target = word.substr(key.size());
        else if (key = "miniinit.log-level="; word.starts_with(key))
            wishes.log_level = log_level_number(word.substr(key.size())).value_or(-1);
    }
    wishes.words = std::move(words);
    return wishes;
}

std::vector<std::string> bring_up_machine() {
    std::vector<std::string> faults;
    auto note = [&](const auto& result) {
        if (!result)
            faults.push_back(result.error().text());
    };
    for (const Fault& fault : os::mount_api())
        faults.push_back(fault.text());
    note(os::take_console());
    note(os::disable_ctrl_alt_del());
    (void)os::claim_keyboard_request(); // only where there is a virtual terminal
    note(os::set_hostname());
    note(os::bring_loopback_up());
    auto set = os::sane_clock({MINIINIT_BUILD_TIME * std::int64_t{1'000'000}});
    note(set);
    if (set && *set)
        faults.push_back("the clock was earlier than this program and was set to its build time");
    return faults;
}

void end_machine(core::Ending how) {
    if (auto executed = os::exec_from_memory({"miniinit", "--last-stage", std::string(word(how))}); !executed)
        Console(true).line(executed.error().text() + "; the root file system stays in use");
    (void)os::stay_in_memory(); // refused: then pages may have to be read again, which mostly works
    last_stage(word(how));
}

void switch_root(const NewRoot& to, const std::string& program) {
    Console console(true);
    auto say = [&](std::string_view line) { console.line(line); };
    for (const std::string& left : os::end_all_processes(grace, killing_limit, say))
        console.line("still there: " + left);
    if (auto moved = os::move_to_root(to.root); moved) {
        console.line(to.root + " is the root directory now; executing " + to.init);
        console.line(os::execute_init(to.init).error().text());
        for (const char* init : os::usual_inits)
            console.line(os::execute_init(init).error().text());
        console.line("there is no init here: this is a shell, and process 1");
        console.line(os::execute_init("/bin/sh").error().text());
    } else {
        console.line(moved.error().text() + "; starting anew where we are");
        console.line(os::execute_init(program).error().text());
    }
    last_stage("halt");
}

void last_stage(std::string_view how) {
    Console console(true);
    auto say = [&](std::string_view line) { console.line(line); };
    for (const std::string& left : os::end_all_processes(grace, killing_limit, say))
        console.line("still there: " + left);
    for (const std::string& left : os::release_storage(storage_limit, say))
        console.line("still there: " + left);
    os::Ending ending = os::Ending::poweroff;
    for (auto [name, value] : endings)
        if (name == how)
            ending = value;
    if (auto ended = os::end_machine(ending); !ended) {
        console.line(ended.error().text());
        if (ending == os::Ending::kexec)
            (void)os::end_machine(os::Ending::reboot);
        (void)os::end_machine(os::Ending::halt);
    }
    // The kernel panics when PID 1 exits. There is nothing left to do but not to.
    for (;;)
        ::pause();
}

} // namespace mi::daemon
