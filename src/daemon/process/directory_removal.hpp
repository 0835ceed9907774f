// Removes the directories that units own when they go: those of a run with the run, those of a unit when it is at rest. Children do
// it, for a tree may be large.
#pragma once

#include "daemon/context.hpp"
#include "daemon/process/background_children.hpp"
#include "daemon/subsystem.hpp"
#include "os/file/remove.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mi::daemon {

class DirectoryRemoval final : public Subsystem {
public:
    DirectoryRemoval(Context& context, BackgroundChildren& background) : context_(context), background_(background) {}

    void run_ended(core::UnitId unit) override;
    // A unit that has come to rest leaves those of its directories to others that they use, too; the others are removed.
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

    // Whether one of these directories, or one around or inside it, is still being removed (around something that is mounted there).
    [[nodiscard]] bool is_removing(const std::vector<os::Directory>& wanted) const;
    // How many removals have ended: what waits for one looks again when there is another.
    [[nodiscard]] std::uint64_t ended() const { return ended_; }

    void save(state::ManagerImage& image) const override { image.set_aside = set_aside_; }
    void restore(const state::ManagerImage& image) override { set_aside_ = image.set_aside; }
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;

private:
    void begin(core::UnitId unit, OwnedDirectories::Removing child);
    void tell_what_is_left(const std::string& unit, int left);

    Context& context_;
    BackgroundChildren& background_;
    struct Going {
        std::string unit;
        os::RemovingChild child;
    };
    std::map<pid_t, Going> going_;
    std::uint64_t ended_ = 0;
    unsigned long set_aside_ = 0; // directories, ever
};

} // namespace mi::daemon
