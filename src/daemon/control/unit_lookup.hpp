// From the names in a control call to units; a name that does not do is answered with an error.
#pragma once

#include "daemon/parts.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

class UnitLookup {
public:
    // Which units can be named: those that are there, by every client; instances of templates too (as long as few lie idle),
    // for which files are read; or all that there are files of, if they are usable.
    enum class Named : std::uint8_t { loaded, templates, startable };

    explicit UnitLookup(Parts& parts) : parts_(parts) {}

    // What a client that only looks can name.
    [[nodiscard]] static Named to_look(const Caller& caller) {
        return caller.may_act ? Named::templates : Named::loaded;
    }
    // The ids of all names, each once. False: an error was answered.
    [[nodiscard]] bool find(CallId id, const std::vector<std::string>& names, Named which,
                            std::vector<core::UnitId>& ids);
    // Whether what runs of these could be started again once it is stopped. False: an error was answered.
    [[nodiscard]] bool can_restart(CallId id, const std::vector<core::UnitId>& units);

private:
    void read_again(const std::vector<std::string>& names);
    [[nodiscard]] std::string what_to_do(core::UnitId unit) const;
    [[nodiscard]] bool unknown(core::UnitId unit) const;

    Parts& parts_;
};

} // namespace mi::daemon
