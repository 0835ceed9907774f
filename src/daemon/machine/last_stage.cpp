#include "daemon/machine/last_stage.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "core/machine_end.hpp"
#include "daemon/machine/boot_record.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/kernel_wishes.hpp"
#include "loop/loop.hpp"
#include "os/machine/kernel_line.hpp"
#include "os/machine/shutdown.hpp"
#include "os/machine/virtual_machine.hpp"
#include "os/machine/watchdog.hpp"
#include "os/mount/mounts.hpp"
#include "os/mount/release.hpp"
#include "wire/log_format.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {

constexpr Span grace = std::chrono::seconds(3); // from TERM to KILL, for what no unit owned
constexpr Span killing_limit = std::chrono::seconds(5);
constexpr Span copying_limit = std::chrono::seconds(5);
constexpr Span storing_limit = std::chrono::seconds(2);
constexpr Span without_bound = std::chrono::seconds(45); // what this stage has where the shutdown has no bound
constexpr Span allowance = std::chrono::seconds(10);     // of the hardware's watchdog, beyond the deadline
constexpr std::size_t most_lines = 200;                  // of a report

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
    unreachable("there is no other ending");
}

std::string in_millis(Span span) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

class Stage {
public:
    explicit Stage(LastStage what) : what_(std::move(what)), lines_(what_.in_the_way) {
        if (what_.deadline == never)
            what_.deadline = monotonic_now() + without_bound;
        directory_ = os::HangingMounts().real_path(what_.state_directory, {});
    }
    [[noreturn]] void run();

private:
    [[nodiscard]] Span left() const { return std::max<Span>(what_.deadline - monotonic_now(), Span(0)); }
    void add(const std::vector<std::string>& more);
    void store();
    void watch_over_it();
    [[nodiscard]] os::Ending power_off();

    LastStage what_;
    Console console_{true};
    os::Watchdog watchdog_;
    std::string directory_;
    std::vector<std::string> lines_; // of the report
};

// A line that is there already has been said.
void Stage::add(const std::vector<std::string>& more) {
    for (const std::string& line : more)
        if (std::ranges::find(lines_, line) == lines_.end() && lines_.size() < most_lines) {
            console_.line("still in the way: " + line);
            lines_.push_back(line);
        }
}

void Stage::store() {
    std::string text = wire::logs::stamp_of(mi::wall_now()) + " " + std::string(word(what_.how)) + "\n";
    for (const std::string& line : lines_)
        text += line + "\n";
    if (!os::store_within(std::min(left() / 2, storing_limit), directory_, std::string(report_name), text))
        console_.line("this cannot be stored in " + directory_ + " any more");
}

// Whatever hangs from here on, the hardware ends it.
void Stage::watch_over_it() {
    if (what_.watchdog == Span(0))
        return;
    if (auto opened = os::Watchdog::open(left() + allowance)) {
        watchdog_ = std::move(*opened);
        auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watchdog_.timeout());
        console_.line("watchdog " + watchdog_.identity() + " ends this in " + std::to_string(seconds.count()) + " s");
    } else {
        console_.line(opened.error().text());
    }
}

// What a power-off is on this machine; a host that is told the exit code may end it on the way.
os::Ending Stage::power_off() {
    using Kind = core::MachineEnd::Kind;
    const core::MachineEnd end = core::parse_machine_end(what_.end).value_or(core::MachineEnd{});
    Result<> told;
    switch (end.kind) {
    case Kind::poweroff: return os::Ending::poweroff;
    case Kind::reboot: return os::Ending::reboot;
    case Kind::halt: return os::Ending::halt;
    case Kind::isa_debug_exit: told = os::debug_exit(end.port, what_.code); break;
    case Kind::pvpanic: told = os::tell_pvpanic(what_.code); break;
    case Kind::automatic: break;
    }
    if (!told)
        console_.line(told.error().text());
    if (os::can_power_off() || !os::in_virtual_machine())
        return os::Ending::poweroff;
    console_.line("this virtual machine cannot power itself off: restarting it, which ends it where the host says so "
                  "(QEMU: -no-reboot); miniinit.end=halt stops it where it is");
    return os::Ending::reboot;
}

void Stage::run() {
    auto say = [this](std::string_view line) { console_.line(line); };
    const os::Say told = say;
    watch_over_it();
    if (!lines_.empty())
        store();
    add(os::end_all_processes(std::min(grace, left() / 4), std::min(killing_limit, left() / 4), told));
    if (watchdog_)
        (void)watchdog_.feed();
    os::Release release(what_.deadline, directory_, told);
    release.most();
    add(release.in_the_way());
    // The end of a boot that has no record is not asked for later.
    (void)os::store_within(std::min(left() / 4, storing_limit), directory_, std::string(boot_end_name),
                           boot_stamp() + " " + std::string(word(what_.how)) + "\n", std::string(boot_record_name));
    std::size_t stored = lines_.size();
    if (stored > 0)
        store();
    release.rest();
    add(release.in_the_way());
    if (lines_.size() > stored) // with what can still be written, and is not as it should be
        store();
    os::Ending ending = os::Ending::poweroff;
    for (auto [name, value] : endings)
        if (name == word(what_.how))
            ending = value;
    if (!lines_.empty())
        console_.line("that is all, " + in_millis(what_.deadline - monotonic_now()) + " ms before the time is over");
    if (ending == os::Ending::poweroff)
        ending = power_off();
    // A machine that is halted is not to start again; and what kexec starts knows nothing of our watchdog.
    if (watchdog_ && (ending == os::Ending::halt || ending == os::Ending::kexec))
        (void)watchdog_.disarm();
    if (auto ended = os::end_machine(ending); !ended) {
        console_.line(ended.error().text());
        if (ending == os::Ending::kexec)
            (void)os::end_machine(os::Ending::reboot);
        (void)os::end_machine(os::Ending::halt);
    }
    // The kernel panics when PID 1 exits. There is nothing left to do but not to.
    for (;;)
        ::pause();
}

} // namespace

void end_machine(LastStage what) {
    if (std::string wished = kernel_wishes(os::kernel_line().words).end; !wished.empty())
        what.end = std::move(wished);
    if (what.in_the_way.size() > most_lines)
        what.in_the_way.resize(most_lines);
    std::vector<std::string> arguments{"miniinit",
                                       "--last-stage",
                                       std::string(word(what.how)),
                                       std::to_string(what.code),
                                       in_millis(what.deadline.since_boot),
                                       in_millis(what.watchdog),
                                       what.state_directory,
                                       what.end};
    arguments.insert(arguments.end(), what.in_the_way.begin(), what.in_the_way.end());
    Span limit = std::min(copying_limit, std::max<Span>((what.deadline - monotonic_now()) / 4, Span(0)));
    auto executed = os::exec_from_memory(arguments, limit);
    Console(true).line(executed.error().text() + "; the root file system stays in use");
    // What is not in memory would have to be read from a disk that does not answer: then it is better not asked for.
    if (executed.error().code != ETIMEDOUT)
        (void)os::stay_in_memory();
    Stage(std::move(what)).run();
}

void last_stage(int argc, char** argv) {
    (void)os::stay_in_memory();
    auto number = [&](int at) { return argc > at ? to_number<std::int64_t>(argv[at]).value_or(0) : 0; };
    LastStage what;
    for (core::Ending how : {core::Ending::reboot, core::Ending::halt, core::Ending::kexec})
        if (argc > 2 && word(how) == argv[2])
            what.how = how;
    what.code = static_cast<int>(number(3));
    if (std::int64_t deadline = number(4); deadline > 0 && deadline < never.since_boot / std::chrono::milliseconds(1))
        what.deadline = {std::chrono::milliseconds(deadline)};
    what.watchdog = std::chrono::milliseconds(number(5));
    what.state_directory = argc > 6 ? argv[6] : "/var/lib/miniinit";
    if (argc > 7)
        what.end = argv[7];
    for (int at = 8; at < argc; ++at)
        what.in_the_way.emplace_back(argv[at]);
    Stage(std::move(what)).run();
}

} // namespace mi::daemon
