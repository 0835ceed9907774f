#include "daemon/control.hpp"

#include "daemon/control_connection.hpp"
#include "os/local_socket.hpp"
#include "os/open_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <unordered_map>
#include <utility>

namespace mi::daemon {

namespace {
constexpr Span breath = std::chrono::milliseconds(500); // while nobody can be let in
}

struct ControlServer::State {
    State(loop::Loop& with, ControlHandler& whom, ControlSettings how) : loop(with), handler(whom), settings(how) {}

    void accept_some();
    Result<> listen_at(Fd socket);
    void welcome(Fd fd);
    Connection* enter(std::unique_ptr<Connection> client);
    void make_room();
    Connection* victim(uid_t user) const;

    void on_readable(Connection& client);
    void on_writable(Connection& client);
    void serve(Connection& client);
    void handle(Connection& client, std::string_view message);

    Connection* caller_of(CallId id) const;
    void answer(CallId id, bool continues, auto&& append);
    void refuse(Connection& client, bool oneway, const wire::Error& error);
    void see_to(Connection& client);
    void settle(Connection& client);
    void charge(Connection& client);
    void drop(Connection& client);

    loop::Loop& loop;
    Fd listener;
    Fd reserve; // given up for a moment to get rid of a client when there are no descriptors left
    std::unique_ptr<loop::Watch> listening;
    ControlHandler& handler;
    ControlSettings settings;
    std::vector<std::unique_ptr<Connection>> clients;
    std::vector<std::unique_ptr<Connection>> dead; // until the end of the turn: somebody may be working on one
    std::vector<Connection*> dirty;
    std::vector<CallId> gone;
    std::vector<int> moved; // clients, since somebody asked
    std::unordered_map<std::uint64_t, Connection*> calls;
    std::unordered_map<uid_t, std::size_t> per_user;
    Barriers barriers;
    bool gates_moved = false;
    std::size_t total = 0;
    std::uint64_t last_call = 0;
    std::uint64_t clock = 0; // counts what happens, to tell who has been idle longest
    unsigned accepted = 0;   // in this turn
    Instant rest_until = never;
};

// ---- who comes and goes -------------------------------------------------------------------------------------------------

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
            rest_until = loop::now() + breath;
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
    auto user = per_user.find(peer->uid);
    if (!may_act && user != per_user.end() && user->second >= settings.per_user)
        drop(*victim(peer->uid));
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
    ++per_user[client->caller.uid];
    clients.push_back(std::move(client));
    return raw;
}

// Of a user's connections the one that has been idle longest; calls that wait for their answer come last.
Connection* ControlServer::State::victim(uid_t user) const {
    Connection* chosen = nullptr;
    auto rank = [](const Connection& client) { return std::pair(client.call != CallId{}, client.active); };
    for (const auto& client : clients)
        if (client->caller.uid == user && (chosen == nullptr || rank(*client) < rank(*chosen)))
            chosen = client.get();
    return chosen;
}

// Whoever has the most connections loses one: somebody who opens a thousand loses those, and root always gets in.
void ControlServer::State::make_room() {
    if (clients.empty())
        return;
    auto most = std::ranges::max_element(per_user, {}, [this](const auto& entry) {
        return std::pair(entry.second, entry.first != 0 && entry.first != settings.owner);
    });
    drop(*victim(most->first));
}

void ControlServer::State::drop(Connection& client) {
    if (std::exchange(client.dead, true))
        return;
    client.watch.reset(); // before its descriptor's number can belong to another
    if (client.on_record)
        moved.push_back(client.fd.get());
    client.fd.reset();
    if (client.call != CallId{}) {
        calls.erase(std::to_underlying(client.call));
        gone.push_back(client.call);
    }
    client.units = nullptr;
    total -= std::exchange(client.charged, 0);
    if (auto user = per_user.find(client.caller.uid); --user->second == 0)
        per_user.erase(user);
    const std::size_t place = client.place;
    dead.push_back(std::move(clients[place]));
    if (place + 1 != clients.size()) {
        clients[place] = std::move(clients.back());
        clients[place]->place = place;
    }
    clients.pop_back();
}

// ---- what they say ------------------------------------------------------------------------------------------------------

void ControlServer::State::on_readable(Connection& client) {
    client.active = ++clock;
    see_to(client);
    Connection::Io io = Connection::Io::fine;
    while (io == Connection::Io::fine && client.reads < Connection::reads_a_turn &&
           !(client.call != CallId{} && client.in.held() >= Connection::read_ahead)) {
        ++client.reads;
        io = client.read_some();
        if (io != Connection::Io::ended)
            serve(client);
        if (client.dead || client.closing)
            return;
    }
    if (io == Connection::Io::ended && !client.read_ended && client.in.held() >= settings.in_limit) {
        refuse(client, false,
               wire::InvalidParameter{"message longer than " + std::to_string(settings.in_limit) + " bytes"});
        client.closing = true;
    } else if (io == Connection::Io::ended) {
        drop(client);
        return;
    }
    // Level-triggered, so a client that never stops talking would never let this turn end. Resumed in settle().
    if (client.closing || client.read_ended || io == Connection::Io::fine)
        client.watch->want_readable(false);
}

void ControlServer::State::on_writable(Connection& client) {
    client.active = ++clock;
    see_to(client);
    client.watch->want_writable(false); // settle() asks again where there is more
    serve(client);
}

// Makes the calls that have come whole, one after the other: the next one once this one is answered.
void ControlServer::State::serve(Connection& client) {
    while (!client.dead && !client.closing && client.call == CallId{} && client.calls < Connection::calls_a_turn) {
        const std::optional<std::string_view> message = client.in.next();
        if (!message)
            break;
        ++client.calls;
        handle(client, *message);
    }
    charge(client);
}

void ControlServer::State::handle(Connection& client, std::string_view message) {
    std::expected<wire::Call, wire::Refusal> call = wire::parse_call(message);
    if (!call) {
        if (call.error().error)
            refuse(client, call.error().oneway, *call.error().error);
        else
            drop(client); // not Varlink at all
        return;
    }
    if (!call->request) {
        if (!call->oneway)
            client.out.append_to(barriers) += call->answer;
        return;
    }
    if (wire::acts(*call->request) && !client.caller.may_act) {
        refuse(client, call->oneway, wire::PermissionDenied{wire::method_name(*call->request)});
        return;
    }
    const CallId id{++last_call};
    Caller caller = client.caller;
    caller.more = call->more && !call->oneway && wire::answers_many(*call->request) != wire::Many::never;
    // Nobody waits for the answer to a oneway call, so it is never registered, and its answers go nowhere.
    if (!call->oneway) {
        client.call = id;
        client.more = caller.more;
        calls.emplace(last_call, &client);
    }
    handler.call(id, caller, std::move(*call->request));
}

void ControlServer::State::refuse(Connection& client, bool oneway, const wire::Error& error) {
    if (!oneway)
        wire::append_error(client.out.append_to(barriers), error);
}

// ---- what they are told -------------------------------------------------------------------------------------------------

Connection* ControlServer::State::caller_of(CallId id) const {
    auto found = calls.find(std::to_underlying(id));
    return found != calls.end() ? found->second : nullptr;
}

void ControlServer::State::answer(CallId id, bool continues, auto&& append) {
    Connection* client = caller_of(id);
    if (client == nullptr || client->units || (continues && !client->more))
        return;
    // Perhaps it reads well and only this turn is long.
    if (client->out.size() >= settings.out_limit && client->send_some(barriers) == Connection::Io::ended) {
        drop(*client);
        return;
    }
    if (client->out.size() >= settings.out_limit) {
        drop(*client);
        return;
    }
    append(client->out.append_to(barriers));
    if (!continues) {
        calls.erase(std::to_underlying(id));
        client->call = CallId{};
    }
    see_to(*client);
    charge(*client);
}

// Keeps the books of what all buffers take; where that is too much, the greediest goes.
void ControlServer::State::charge(Connection& client) {
    if (client.dead)
        return;
    total -= client.charged;
    client.charged = client.memory();
    total += client.charged;
    while (total > settings.total_limit)
        drop(**std::ranges::max_element(clients, {}, [](const auto& one) { return one->charged; }));
}

void ControlServer::State::see_to(Connection& client) {
    if (!std::exchange(client.dirty, true))
        dirty.push_back(&client);
}

// The end of a client's turn: send, then say what is waited for next.
void ControlServer::State::settle(Connection& client) {
    client.dirty = false;
    if (client.dead)
        return;
    client.calls = client.reads = 0;
    const CallId before = client.call;
    const Connection::Io io = client.send_some(barriers);
    if (client.call != before)
        calls.erase(std::to_underlying(before)); // the last of the units is on its way
    const bool idle = client.call == CallId{};
    if (client.read_ended && idle && !client.in.ready())
        client.closing = true;
    if (io == Connection::Io::ended || (client.closing && client.out.size() == 0)) {
        drop(client);
        return;
    }
    charge(client);
    if (client.dead)
        return;
    if (!client.on_record || client.told != client.call || client.out.size() != 0) {
        client.on_record = true;
        client.told = client.call;
        moved.push_back(client.fd.get());
    }
    const bool call_ready = idle && !client.closing && client.in.ready();
    const bool units_left = client.units && client.out.size() == 0;
    client.watch->want_writable(units_left || call_ready || !client.out.sendable(barriers).empty());
    client.watch->want_readable(!client.read_ended && !client.closing && !call_ready &&
                                (idle || client.in.held() < Connection::read_ahead));
}

// ---- the server ---------------------------------------------------------------------------------------------------------

ControlServer::ControlServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::make(loop::Loop& loop, Fd listener, ControlHandler& handler,
                                                           ControlSettings settings) {
    auto state = std::make_unique<State>(loop, handler, settings);
    state->reserve = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); // without /dev there is none, and little is lost
    if (Result<> listening = state->listen_at(std::move(listener)); !listening)
        return std::unexpected(listening.error());
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

void ControlServer::reply(CallId id, const wire::Reply& reply, bool continues) {
    state_->answer(id, continues, [&](std::string& out) { wire::append_reply(out, reply, continues); });
}

void ControlServer::error(CallId id, const wire::Error& error) {
    state_->answer(id, false, [&](std::string& out) { wire::append_error(out, error); });
}

void ControlServer::broadcast(std::span<const CallId> ids, const wire::Reply& reply) {
    std::string message;
    for (CallId id : ids)
        state_->answer(id, true, [&](std::string& out) {
            if (message.empty())
                wire::append_reply(message, reply, true);
            out += message;
        });
}

void ControlServer::reply_units(CallId id, NextUnit next) {
    Connection* client = state_->caller_of(id);
    if (client == nullptr || client->units)
        return;
    client->units = std::move(next);
    state_->see_to(*client);
}

bool ControlServer::waiting(CallId id) const { return state_->caller_of(id) != nullptr; }

ControlServer::Barrier ControlServer::hold() { return state_->barriers.add(); }

void ControlServer::release(Barrier barrier) {
    state_->barriers.remove(barrier);
    state_->gates_moved = true;
}

void ControlServer::finish_turn() {
    State& state = *state_;
    if (std::exchange(state.gates_moved, false))
        for (const auto& client : state.clients)
            if (client->out.size() != 0)
                state.see_to(*client);
    // Whoever is told that a caller is gone may answer others.
    while (!state.dirty.empty() || !state.gone.empty()) {
        for (Connection* client : std::exchange(state.dirty, {}))
            state.settle(*client);
        for (CallId id : std::exchange(state.gone, {}))
            state.handler.gone(id);
    }
    state.dead.clear();
    if (std::exchange(state.accepted, 0) != 0 && state.listening)
        state.listening->want_readable(state.rest_until == never);
}

Result<> ControlServer::listen_at(Fd listener) { return state_->listen_at(std::move(listener)); }

Instant ControlServer::next_deadline() const { return state_->rest_until; }

void ControlServer::due(Instant now) {
    if (now < state_->rest_until)
        return;
    state_->rest_until = never;
    if (state_->listening)
        state_->listening->want_readable(true);
}

void ControlServer::flush() {
    // A copy: who fails is dropped.
    std::vector<Connection*> all;
    for (const auto& client : state_->clients)
        all.push_back(client.get());
    for (Connection* client : all)
        if (!client->units && client->send_some(state_->barriers) == Connection::Io::ended)
            state_->drop(*client);
}

// --- from one program to the next -------------------------------------------------------------------------------------

std::vector<int>& ControlServer::moved() { return state_->moved; }
std::uint64_t ControlServer::last_call() const { return state_->last_call; }
void ControlServer::set_last_call(std::uint64_t last) { state_->last_call = std::max(state_->last_call, last); }

std::vector<int> ControlServer::all() const {
    std::vector<int> fds;
    for (const auto& client : state_->clients)
        fds.push_back(client->fd.get());
    return fds;
}

wire::ClientImage ControlServer::tell(int fd, bool bytes) const {
    auto found = std::ranges::find(state_->clients, fd, [](const auto& one) { return one->fd.get(); });
    wire::ClientImage image{.fd = fd};
    if (found == state_->clients.end())
        return image;
    const Connection& client = **found;
    image.open = true;
    image.pid = client.caller.pid;
    image.uid = client.caller.uid;
    image.gid = client.caller.gid;
    image.may_act = client.caller.may_act;
    image.more = client.more;
    image.inode = client.inode;
    image.call = std::to_underlying(client.call);
    // What is half read or half sent can only be kept by who has the time for it; and a list of units is made as it is sent.
    image.lost = client.units || client.closing || (!bytes && (client.out.size() != 0 || client.in.held() != 0));
    if (bytes && !image.lost) {
        image.in = client.in.unread();
        image.out = client.out.unsent();
    }
    return image;
}

void ControlServer::adopt(wire::ClientImage image) {
    State& state = *state_;
    auto client = std::make_unique<Connection>(
        Fd(image.fd), Caller{image.pid, image.uid, image.gid, image.may_act, false}, state.settings.in_limit);
    client->call = CallId{image.call};
    client->more = image.more;
    client->on_record = true;
    client->told = client->call;
    if (!client->in.append(image.in))
        return;
    client->out.append_to(state.barriers) += image.out;
    Connection* entered = state.enter(std::move(client));
    if (entered == nullptr)
        return;
    if (image.call != 0)
        state.calls.emplace(image.call, entered);
    state.moved.push_back(entered->fd.get());
    state.see_to(*entered);
}

void ControlServer::set_group(std::optional<gid_t> group) { state_->settings.group = group; }

std::size_t ControlServer::connections() const { return state_->clients.size(); }

std::size_t ControlServer::buffered() const { return state_->total; }

int ControlServer::listener() const { return state_->listener.get(); }

} // namespace mi::daemon
