// Which unit has which sockets. They are opened before the unit starts, stay while it is restarted, waits or is read again,
// and are closed when it has come to rest.
//
// A path on a file system that may hang (os/mount/mounts.hpp) is refused. It is a place where programs of one machine meet, who
// would all hang there with its server; /run serves them better than a child of ours that would have to open, look after and
// remove what lies there. If such a file system is mounted over a socket later, its path is let be.
#pragma once

#include "core/unit.hpp"
#include "daemon/unit_table.hpp"
#include "os/file/path_watch.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/accounts.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class Sockets {
public:
    Sockets(UnitTable& units, os::HangingMounts& hanging) : units_(units), hanging_(hanging) {}

    // Makes what is open be what the unit's file says, in its order: what is there already stays as it is, what the file no
    // longer has is closed. Cheap where nothing has changed. Whether some were opened for it; or the words with which it fails,
    // naming the socket and the step: then nothing new is open.
    [[nodiscard]] std::expected<bool, NoStart> open(core::UnitId id, const core::Unit& unit, os::Accounts& accounts);
    // Closes them all and removes their paths.
    void close(core::UnitId unit);
    // Those of the unit whose paths somebody has removed, replaced, or mounted over are made again, as they were: what became of
    // each. One that cannot be made stays as it is.
    struct Remade {
        std::string address;
        std::optional<std::string> trouble; // why it is not
        bool said = false;                  // it was so before
    };
    [[nodiscard]] bool all_reachable(core::UnitId unit);
    [[nodiscard]] std::vector<Remade> remake_lost(core::UnitId unit, os::Accounts& accounts);
    // Has `paths` tell when something happens to theirs.
    void watch(core::UnitId unit, os::PathWatch& paths);

private:
    [[nodiscard]] bool reachable(const OpenSocket& one);
    void remove(OpenSocket& one);

    UnitTable& units_; // UnitRun::sockets, in the order of the file
    os::HangingMounts& hanging_;
};

// How messages and LISTEN_FDNAMES call a socket.
[[nodiscard]] std::string_view kind_name(core::Listen::Kind kind);
[[nodiscard]] std::string descriptor_name(const core::Unit& unit, const core::Listen& listen);

// Whether the unit is handed a socket as its standard input or output, rather than by number (LISTEN_FDS).
[[nodiscard]] bool uses_stream(const core::Unit& unit);

// Whether a socket can be opened at boot before anything is mounted: what is at a path then may be covered later.
[[nodiscard]] bool opens_early(const core::Listen& listen);

} // namespace mi::daemon
