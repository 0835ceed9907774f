// Whether this boot is a good one, and what follows. It is good when the default target and `boot-complete` are up and nothing
// that they require ends again and again or is unhealthy. It has failed when one of them cannot be reached, or not within
// boot-timeout. Then boot-good or boot-bad runs, once, and a failed boot is followed by what boot-failure says.
//
// The power may fail between any two steps, so each step is on the disk before the next one begins:
//
//     a good boot: its record says "good", the count of failed boots is 0; then boot-good runs
//     a bad boot:  its record says why; boot-bad runs; where that was the last try the count goes back to 0; the machine ends
//
// What is cut off is made up for by the boot that comes next. Cut before the count is 0, a good boot is not known as
// one, and is counted. Cut after that, before boot-good has ended, it counts as good for ever, but the boot loader may not
// have heard of it: so it boots the same system, which is judged and runs boot-good anew. (The next boot does not run it at
// once for the one before: it may be another system, of which nothing is known yet.) So boot-good may run twice and never too
// seldom, and a good boot is never counted as a failed one once boot-good has begun. Were it cleared after boot-good, three cuts
// in that moment would be three failed boots, and boot-bad would give up a system that is good. Cut before boot-bad has ended,
// the last of too many boots leaves its count, and the next one runs boot-bad again as soon as its file systems are mounted.
// Where the disk refuses to be written, or does not answer, all this goes on without it.
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/boot_attempts.hpp"
#include "daemon/machine/boot_record.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/units/boot_target.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::daemon {

class Shutdown;

class BootResult final : public Subsystem, public BootTarget::Host {
public:
    // The numbers are saved for the next program.
    enum class Stage : std::uint8_t {
        unjudged = 0, // somebody has asked for another target, or there is nothing more to be said
        open = 1,
        mounting = 2, // so many have failed that this one goes no further than its file systems
        good = 3,
        bad = 4,    // boot-bad runs, or there is none
        failed = 5, // boot-bad is to run
        proven = 6, // boot-good is to run, once the disk knows that it is good; saved as `open`: it is judged again
    };
    BootResult(Context& context, BootTarget& target, BootRecord& record, Shutdown& shutdown, const std::string& slot);

    // The boot begins: to `target`, or, where too many boots in a row were not good, to what boot-failure says. `counts`: this is
    // such a boot, as no other target was asked for.
    void boot(const std::string& target, bool counts);
    // Until when the hardware watchdog is to be fed, as far as it depends on the boot.
    [[nodiscard]] Instant feed_until() const;

    [[nodiscard]] bool target_failed(const std::string& why) override;
    void target_asked(const std::string& target) override;

    void exited(const os::Exit& exit) override;
    [[nodiscard]] Instant next_deadline() const override;
    void due(Instant now) override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void turn_ends() override;
    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;

private:
    // What keeps the boot from being good; else from when on it is.
    struct Judgement {
        core::UnitId in_the_way = core::no_unit;
        Instant at{};
    };
    [[nodiscard]] Judgement judge() const;
    [[nodiscard]] bool in_the_way(core::UnitId unit) const;
    void enter(Stage stage, Instant until);
    void store();
    void good();
    void bad(const std::string& why);
    void conclude();
    void end_machine(const std::string& why);
    [[nodiscard]] bool run(std::string_view result, const core::Command& command);
    [[nodiscard]] core::UnitId default_target() const;
    [[nodiscard]] bool used_up() const;
    [[nodiscard]] std::string too_many_words() const;

    Context& context_;
    BootTarget& target_;
    BootRecord& record_;
    Shutdown& shutdown_;
    BootAttempts attempts_;
    Stage stage_ = Stage::unjudged;
    Instant until_ = never;                 // what the stage waits for is over then
    core::UnitId obstacle_ = core::no_unit; // what was in the way last
    Instant good_at_ = never;               // it will have been good for long enough then
    bool begins_ = false;                   // this turn is the first one
    bool stays_ = false;                    // it is bad, and goes on all the same
    bool last_try_ = false;                 // boot-bad runs, and then whatever comes next has all tries again
    std::string why_;                       // it is bad
};

} // namespace mi::daemon
