// What clients of the control socket take: connections and bytes, by user for those who may not act, and bytes in all.
#pragma once

#include "daemon/control/call.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>

namespace mi::daemon {

class ClientAccounts {
public:
    struct Account {
        std::size_t connections = 0, bytes = 0;
    };

    // A client has come.
    void enter(const Caller& client) {
        if (!client.may_act)
            ++users_[client.uid].connections;
    }
    // One that has come takes `after` bytes, and no longer `before`.
    void change(const Caller& client, std::size_t before, std::size_t after) {
        total_ += after - before;
        if (!client.may_act) {
            users_[client.uid].bytes += after - before;
            others_ += after - before;
        }
    }
    // It has gone, and took so many.
    void leave(const Caller& client, std::size_t bytes) {
        change(client, bytes, 0);
        if (!client.may_act && --users_[client.uid].connections == 0)
            users_.erase(client.uid);
    }

    // Of the connections of a user that may not act.
    [[nodiscard]] Account of(uid_t user) const {
        const auto found = users_.find(user);
        return found != users_.end() ? found->second : Account{};
    }
    // The user with the most connections that may not act; none: there are no such connections.
    [[nodiscard]] std::optional<uid_t> busiest() const {
        const auto most =
            std::ranges::max_element(users_, {}, [](const auto& entry) { return entry.second.connections; });
        return most != users_.end() ? std::optional(most->first) : std::nullopt;
    }
    // Bytes of all that may not act, and of all clients.
    [[nodiscard]] std::size_t others() const { return others_; }
    [[nodiscard]] std::size_t total() const { return total_; }

private:
    std::unordered_map<uid_t, Account> users_;
    std::size_t others_ = 0, total_ = 0;
};

} // namespace mi::daemon
