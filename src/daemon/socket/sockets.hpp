// Which unit has which sockets. They are opened before the unit starts, stay while it is restarted, waits or is read again,
// and are closed when it has come to rest.
//
// A path on a file system that may hang (os/mounts.hpp) is refused. It is a place where programs of one machine meet, who
// would all hang there with its server; /run serves them better than a child of ours that would have to open, look after and
// remove what lies there. If such a file system is mounted over a socket later, its path is let be.
#pragma once

#include "core/unit.hpp"
#include "os/accounts.hpp"
#include "os/listen_socket.hpp"
#include "os/mounts.hpp"

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::daemon {

class Sockets {
public:
    explicit Sockets(os::HangingMounts& hanging) : hanging_(hanging) {}

    // One `[[listen]]` of a unit, open.
    struct Open {
        core::Listen settings;
        os::ListenSocket socket;
    };

    // Makes what is open be what the unit's file says, in its order: what is there already stays as it is, what the file no
    // longer has is closed. Cheap where nothing has changed. The words with which it fails, naming the socket and the step;
    // then nothing new is open.
    std::expected<void, std::string> open(const core::Unit& unit, os::Accounts& accounts);
    // Closes them all and removes their paths.
    void close(const std::string& unit);
    // Closes those of units that are not `known`.
    void close_unknown(const std::function<bool(const std::string&)>& known);

    // Those of a unit that were open in the program before this one.
    void adopt(const std::string& unit, std::vector<Open> open) { units_[unit] = std::move(open); }

    // In the order of the file; none where none are open.
    [[nodiscard]] std::span<const Open> of(const std::string& unit) const;

private:
    [[nodiscard]] bool reachable(const Open& one);
    void remove(Open& one);

    os::HangingMounts& hanging_;
    std::unordered_map<std::string, std::vector<Open>> units_;
};

// How messages and LISTEN_FDNAMES call a socket.
[[nodiscard]] std::string_view kind_name(core::Listen::Kind kind);
[[nodiscard]] std::string descriptor_name(const core::Unit& unit, const core::Listen& listen);

// Whether a socket can be opened at boot before anything is mounted: what is at a path then may be covered later.
[[nodiscard]] bool opens_early(const core::Listen& listen);

} // namespace mi::daemon
