// Where the machine is to get: the target that is booted or isolated, and what is done where it cannot be reached. On a machine
// somebody has to be able to repair it: then it goes to rescue, to emergency, and at last to a bare shell.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <set>
#include <string>

namespace mi::daemon {

// The target that is to be up where a boot is to count as a good one: units join it by `required-by`.
inline constexpr const char* complete_name = "boot-complete";

// Why it is not up, down to what began it.
[[nodiscard]] std::string why_not_up(const core::Engine& engine, core::UnitId unit);

class BootTarget final : public Subsystem {
public:
    // Who judges the boot.
    struct Host {
        virtual ~Host() = default;
        // The target cannot be reached. True: that is seen to.
        [[nodiscard]] virtual bool target_failed(const std::string& why) = 0;
        // Somebody asks for a target.
        virtual void target_asked(const std::string& target) = 0;
    };
    explicit BootTarget(Context& context) : context_(context) {}
    void serve(Host& host) { host_ = &host; }

    // The boot is to get to `target`.
    void aim(const std::string& target) { name_ = target; }
    // It begins; `why_not`: to rescue instead, for this reason.
    void boot(const std::string& target, const std::string& why_not = {});
    // Stops what `target` does not need, and starts what it needs.
    void isolate(const std::string& target);
    // Goes to the first of rescue, emergency and the bare shell that was not tried.
    void go_instead(const std::string& why);
    // What an administrator should know of this boot.
    void set_note(std::string note);

    [[nodiscard]] const std::string& name() const { return name_; } // empty: all that is enabled
    [[nodiscard]] core::UnitId id() const { return context_.graph().find(name_); }
    [[nodiscard]] bool is(core::UnitId unit) const { return !name_.empty() && id() == unit; }
    // When one was reached first in this boot.
    [[nodiscard]] Instant reached_at() const { return reached_at_; }
    [[nodiscard]] bool was_reached() const { return reached_at_ != Instant{}; }
    // It is reached; or, where all that is enabled was to run, that has come up for the first time, or has failed.
    [[nodiscard]] bool begun() const;
    // What an administrator should know of this boot; empty: nothing.
    [[nodiscard]] const std::string& note() const { return note_; }

    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void turn_ends() override { came_ = came_ || context_.engine.coming_units() == 0; }

    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;

private:
    void go_to(const std::string& target);
    void failed(const std::string& why);
    void reached();

    Context& context_;
    Host* host_ = nullptr;
    std::string name_;
    bool said_ = false; // that it is reached
    bool came_ = false; // nothing more was to come, at some time
    std::set<std::string> tried_;
    std::string note_;
    Instant reached_at_{};
};

} // namespace mi::daemon
