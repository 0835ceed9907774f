// Which units there are: those of files, read at the start, when somebody asks, and one by one as they are named.
#pragma once

#include "daemon/context.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/subsystem.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mi::daemon {

class UnitFiles {
public:
    // `subsystems`: all there are, to be told of units that go or change. `entry`: the name of the unit that is a container's main
    // process, or empty. `settings_read`: called when the manager's settings were read again, before any unit changes.
    UnitFiles(Context& context, EffectQueue& effects, const std::vector<Subsystem*>& subsystems,
              const std::string& entry, std::function<void()> settings_read)
        : context_(context), effects_(effects), subsystems_(subsystems), entry_(entry),
          settings_read_(std::move(settings_read)) {}

    // Reads all units again, and the settings. What is left out because of faults is in `problems`.
    struct Reread {
        std::vector<std::string> added, changed, removed, problems;
    };
    Reread reread();
    // The unit of that name. One that is not known yet is read from its file, or made from its template; core::no_unit: there is
    // none.
    core::UnitId find_or_read(const std::string& name);
    // Reads the files of those units again of which nothing runs, and takes what is new of them: a start of a unit means the
    // file that there is. One whose file is gone is taken out.
    void read_again(const std::vector<core::UnitId>& units);
    // What is to be said of a unit that runs and whose file says something else than what was read. Empty: nothing.
    [[nodiscard]] std::string staleness(core::UnitId unit) const;
    // How many instances of templates there are that do nothing.
    [[nodiscard]] std::size_t idle_instances() const;
    // Adds a unit, and reads those that it names and that are not known yet.
    void add(core::Unit unit);
    // Takes out a unit of which nothing runs.
    void remove(core::UnitId unit);

private:
    [[nodiscard]] config::Loaded load_again(Reread& result);
    void add_own_units(config::Loaded& loaded) const;
    [[nodiscard]] config::Loaded units_of_files(const std::vector<std::string>& names) const;
    bool take_again(core::Unit* fresh, core::UnitId id);
    void take_settings(core::ManagerSettings settings);
    void forget(const std::vector<core::UnitId>& gone);

    Context& context_;
    EffectQueue& effects_;
    const std::vector<Subsystem*>& subsystems_;
    const std::string& entry_;
    std::function<void()> settings_read_;
};

} // namespace mi::daemon
