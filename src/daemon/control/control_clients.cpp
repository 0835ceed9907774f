// Who comes to the control socket and goes, and how much room each may take.
#include "daemon/control/control_state.hpp"
#include "os/file/open_file.hpp"
#include "os/socket/local_socket.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

void ControlServer::State::welcome(Fd fd) {
    Result<os::Peer> peer = os::peer_of(fd.get());
    if (!peer)
        return; // gone already
    const bool may_act =
        peer->uid == 0 || peer->uid == settings.owner || (settings.group && peer->in_group(*settings.group));
    if (!may_act && accounts.of(peer->uid).connections >= settings.per_user)
        drop(*longest_idle(false, peer->uid));
    else if (clients.size() >= settings.connections)
        make_room();
    auto client = std::make_unique<Connection>(std::move(fd), Caller{peer->pid, peer->uid, peer->gid, may_act, false},
                                               settings.in_limit);
    (void)enter(std::move(client));
}

// Nothing where it cannot be watched: it is closed.
Connection* ControlServer::State::enter(std::unique_ptr<Connection> client) {
    Connection* raw = client.get();
    Result<std::unique_ptr<loop::Watch>> watch =
        loop.watch(raw->fd.get(), [this, raw] { on_readable(*raw); }, [this, raw] { on_writable(*raw); });
    if (!watch)
        return nullptr;
    client->inode = os::inode_of(raw->fd.get());
    client->watch = std::move(*watch);
    client->active = ++clock;
    client->place = clients.size();
    accounts.enter(client->caller);
    clients.push_back(std::move(client));
    return raw;
}

// Of these connections the one that has been idle longest; calls that wait for their answer come last.
Connection* ControlServer::State::longest_idle(bool may_act, uid_t user) const {
    Connection* chosen = nullptr;
    auto rank = [](const Connection& client) { return std::pair(bool(client.call), client.active); };
    for (const auto& client : clients)
        if (client->caller.may_act == may_act && (may_act || client->caller.uid == user) &&
            (chosen == nullptr || rank(*client) < rank(*chosen)))
            chosen = client.get();
    return chosen;
}

// Of the users who may not act the one with the most connections loses one: somebody who opens a thousand loses those, and
// somebody with a thousand user numbers pushes out none of those who may act.
void ControlServer::State::make_room() {
    if (clients.empty())
        return;
    const std::optional<uid_t> busiest = accounts.busiest();
    drop(*longest_idle(!busiest, busiest.value_or(0)));
}

// Keeps the books of what is held for clients; where that is too much, the greediest goes.
void ControlServer::State::charge(Connection& client) {
    if (client.dead)
        return;
    const std::size_t now = client.memory();
    accounts.change(client.caller, std::exchange(client.charged, now), now);
    auto greediest = [this](auto&& of_them) {
        Connection* chosen = nullptr;
        for (const auto& one : clients)
            if (of_them(*one) && (chosen == nullptr || one->charged > chosen->charged))
                chosen = one.get();
        return chosen;
    };
    if (!client.caller.may_act) {
        const uid_t user = client.caller.uid;
        while (accounts.of(user).bytes > settings.user_limit)
            drop(*greediest([user](const Connection& one) { return !one.caller.may_act && one.caller.uid == user; }));
        while (accounts.others() > settings.others_limit)
            drop(*greediest([](const Connection& one) { return !one.caller.may_act; }));
    }
    while (accounts.total() > settings.total_limit)
        drop(*greediest([](const Connection&) { return true; }));
}

void ControlServer::State::drop(Connection& client) {
    if (std::exchange(client.dead, true))
        return;
    if (client.told)
        moved.push_back(client.fd.get());
    if (client.call) {
        calls.erase(std::to_underlying(client.call.id));
        gone.push_back(client.call.id);
    }
    accounts.leave(client.caller, std::exchange(client.charged, 0));
    if (!client.caller.may_act) {
        callers.remove(client.caller.uid, &client);
        hearers.remove(client.caller.uid, &client);
    }
    client.let_go();
    const std::size_t place = client.place;
    dead.push_back(std::move(clients[place]));
    if (place + 1 != clients.size()) {
        clients[place] = std::move(clients.back());
        clients[place]->place = place;
    }
    clients.pop_back();
}

} // namespace mi::daemon
