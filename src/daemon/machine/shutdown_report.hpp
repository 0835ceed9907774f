// The report that the shutdown before this boot has left: what was in its way. It is shown once, and put aside.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <string>

namespace mi::daemon {

class BackgroundChildren;
class BootTarget;

class ShutdownReport final : public Subsystem {
public:
    // `target` is told of changes of units before this is.
    ShutdownReport(Context& context, const BootTarget& target, BackgroundChildren& background)
        : context_(context), target_(target), background_(background) {}

    // In short, and where all of it can be read; empty: there was none.
    [[nodiscard]] const std::string& words() const { return words_; }
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

private:
    void look(bool last_time);
    void put_aside(const std::string& path);

    Context& context_;
    const BootTarget& target_;
    BackgroundChildren& background_;
    std::string words_;
};

} // namespace mi::daemon
