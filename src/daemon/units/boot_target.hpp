// Where the machine is to get: the target that is booted or isolated, and what is done where it cannot be reached. On a machine
// somebody has to be able to repair it: then it goes to rescue, to emergency, and at last to a bare shell.
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/boot_attempts.hpp"
#include "daemon/subsystem.hpp"

#include <set>
#include <string>

namespace mi::daemon {

class BootTarget final : public Subsystem {
public:
    explicit BootTarget(Context& context);

    // The boot begins: to `target`, or, where too many boots in a row did not get there, to rescue. `counts`: this is such
    // a boot, for nobody asked for another target.
    void boot(const std::string& target, bool counts);
    // Stops what `target` does not need, and starts what it needs.
    void isolate(const std::string& target);

    [[nodiscard]] const std::string& name() const { return name_; } // empty: all that is enabled
    [[nodiscard]] core::UnitId id() const { return context_.graph().find(name_); }
    [[nodiscard]] bool is(core::UnitId unit) const { return !name_.empty() && id() == unit; }
    // When one was reached first in this boot.
    [[nodiscard]] Instant reached_at() const { return reached_at_; }
    [[nodiscard]] bool was_reached() const { return reached_at_ != Instant{}; }
    // What an administrator should know of this boot; empty: nothing.
    [[nodiscard]] const std::string& note() const { return note_; }

    void exited(const os::Exit& exit) override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;

private:
    void go_to(const std::string& target);
    void go_instead(const std::string& why);
    void failed(const std::string& why);
    void reached();
    void too_many_boots();

    Context& context_;
    BootAttempts attempts_;
    std::string name_;
    bool said_ = false; // that it is reached
    std::set<std::string> tried_;
    std::string note_;
    Instant reached_at_{};
};

} // namespace mi::daemon
