// Who comes to the control socket and goes, and how much room each may take.
#include "base/clock.hpp"
#include "daemon/control/control_state.hpp"
#include "os/file/open_file.hpp"
#include "os/socket/local_socket.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace mi::daemon {

namespace {
constexpr Span breath = std::chrono::milliseconds(500); // while nobody can be let in
}

void ControlServer::State::accept_some() {
    constexpr unsigned accepts_a_turn = 32;
    for (bool made_room = false; accepted < accepts_a_turn;) {
        Result<std::optional<Fd>> fd = os::accept_local(listener.get());
        if (fd && !*fd)
            return;
        if (fd) {
            ++accepted;
            welcome(std::move(**fd));
            continue;
        }
        // Out of descriptors (or memory). One client goes; and where that does not help, the newcomer itself, so that it does
        // not wake us for ever.
        ++accepted;
        if (!std::exchange(made_room, true)) {
            make_room();
            continue;
        }
        reserve.reset();
        const bool rid_of = os::accept_local(listener.get()).has_value(); // closed at once
        reserve = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        // The whole system may have none left: then whoever waits would wake us again and again.
        if (!rid_of)
            rest_until = monotonic_now() + breath;
        break;
    }
    listening->want_readable(false); // until the next turn
}

Result<> ControlServer::State::listen_at(Fd socket) {
    if (socket) {
        Result<std::unique_ptr<loop::Watch>> watch = loop.watch(socket.get(), [this] { accept_some(); });
        if (!watch)
            return std::unexpected(watch.error());
        listening = std::move(*watch); // the one before ends before its socket is closed
    }
    listener = std::move(socket);
    return {};
}

void ControlServer::State::welcome(Fd fd) {
    Result<os::Peer> peer = os::peer_of(fd.get());
    if (!peer)
        return; // gone already
    const bool may_act =
        peer->uid == 0 || peer->uid == settings.owner || (settings.group && peer->in_group(*settings.group));
    auto user = others.find(peer->uid);
    if (!may_act && user != others.end() && user->second.connections >= settings.per_user)
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
    if (!client->caller.may_act)
        ++others[client->caller.uid].connections;
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
    auto most = std::ranges::max_element(others, {}, [](const auto& entry) { return entry.second.connections; });
    drop(most != others.end() ? *longest_idle(false, most->first) : *longest_idle(true, 0));
}

// Keeps the books of what is held for clients; where that is too much, the greediest goes.
void ControlServer::State::charge(Connection& client) {
    if (client.dead)
        return;
    const std::size_t before = client.charged, now = client.memory();
    client.charged = now;
    total += now - before;
    auto greediest = [this](auto&& of_them) {
        Connection* chosen = nullptr;
        for (const auto& one : clients)
            if (of_them(*one) && (chosen == nullptr || one->charged > chosen->charged))
                chosen = one.get();
        return chosen;
    };
    if (!client.caller.may_act) {
        const uid_t user = client.caller.uid;
        others[user].bytes += now - before;
        others_bytes += now - before;
        for (auto his = others.find(user); his != others.end() && his->second.bytes > settings.user_limit;
             his = others.find(user))
            drop(*greediest([user](const Connection& one) { return !one.caller.may_act && one.caller.uid == user; }));
        while (others_bytes > settings.others_limit)
            drop(*greediest([](const Connection& one) { return !one.caller.may_act; }));
    }
    while (total > settings.total_limit)
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
    const std::size_t held = std::exchange(client.charged, 0);
    total -= held;
    if (!client.caller.may_act) {
        const uid_t user = client.caller.uid;
        callers.remove(user, &client);
        hearers.remove(user, &client);
        others_bytes -= held;
        Account& his = others[user];
        his.bytes -= held;
        if (--his.connections == 0)
            others.erase(user);
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
