// What clients of the control socket say and are told, and when.
#include "daemon/control/control_state.hpp"

#include "base/clock.hpp"
#include "daemon/fault_injection.hpp"

#include <string>
#include <utility>

namespace mi::daemon {

namespace {

// What a client may make us do in one turn, so that none of them can keep a turn from ending; and how long, where a single
// call does not take longer. All of those who may not act share less than that (ControlSettings).
constexpr unsigned calls_a_turn = 16, reads_a_turn = 4;
constexpr Span time_a_turn = std::chrono::milliseconds(4);
// How much is read ahead of a call that is not answered yet.
constexpr std::size_t read_ahead = 32 << 10;

} // namespace

// ---- what they say ------------------------------------------------------------------------------------------------------

void ControlServer::State::on_readable(Connection& client) {
    client.active = ++clock;
    if (!client.caller.may_act) {
        client.watch->want_readable(false); // settle() asks again
        wait_for_turn(client);
        return;
    }
    listen_to(client, reads_a_turn - client.reads, monotonic_now() + time_a_turn);
}

void ControlServer::State::on_writable(Connection& client) {
    client.active = ++clock;
    client.watch->want_writable(false); // settle() asks again where there is more
    see_to(client);
    if (client.caller.may_act)
        serve(client, monotonic_now() + time_a_turn);
}

// One who may not act has something to say: it is heard when his user's turn comes.
void ControlServer::State::wait_for_turn(Connection& client) {
    if (!std::exchange(client.calling, true))
        callers.add(client.caller.uid, &client);
}

// One call each, or as many as fit into a moment, by turns.
bool ControlServer::State::take_calls() {
    constexpr Span moment = std::chrono::microseconds(100);
    const std::uint64_t before = last_call;
    Instant now = monotonic_now();
    const Instant until = now + settings.others_time;
    while (!callers.empty() && now < until) {
        Connection& client = *callers.next();
        client.calling = false;
        client.calls = client.reads = 0;
        const uid_t user = client.caller.uid;
        if (client.hung_up())
            drop(client); // it cannot hear an answer, and nothing that it may ask for has another effect
        else
            listen_to(client, 1, now + moment);
        const Instant after = monotonic_now();
        callers.charge(user, after - now);
        now = after;
    }
    return last_call != before;
}

// Makes the calls that are there, reads (so often at most), and makes those that come.
void ControlServer::State::listen_to(Connection& client, unsigned reads, Instant until) {
    see_to(client);
    serve(client, until);
    Connection::Io io = Connection::Io::fine;
    for (unsigned i = 0; i < reads && io == Connection::Io::fine; ++i) {
        if (client.dead || client.closing || client.read_ended || (client.busy() && client.in.held() >= read_ahead) ||
            (!client.busy() && client.in.ready()))
            break;
        ++client.reads;
        io = client.read_some();
        if (io != Connection::Io::ended)
            serve(client, until);
    }
    if (client.dead || client.closing)
        return;
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

// Makes the calls that have come whole, one after the other: the next one once this one is answered, and read.
void ControlServer::State::serve(Connection& client, Instant until) {
    while (!client.dead && !client.closing && !client.busy() && client.calls < calls_a_turn &&
           (client.calls == 0 || monotonic_now() < until)) {
        const std::optional<std::string_view> message = client.in.next();
        if (!message)
            break;
        ++client.calls;
        handle(client, *message);
    }
    charge(client);
}

void ControlServer::State::handle(Connection& client, std::string_view message) {
    if (client.caller.may_act)
        inject_fault(message);
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
    if (call->oneway && !wire::acts(*call->request))
        return; // it would have no effect, and one that waits could wait for ever
    const CallId id{++last_call};
    Caller caller = client.caller;
    caller.more = call->more && !call->oneway && wire::answers_many(*call->request) != wire::Many::never;
    // No client waits for the answer to a oneway call, so it is never registered, and its answers go nowhere.
    if (!call->oneway) {
        client.call.id = id;
        client.call.more = caller.more;
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

void ControlServer::State::answer(CallId id, bool continues, const std::function<void(std::string&)>& append) {
    Connection* client = caller_of(id);
    if (client == nullptr || client->call.list || (continues && !client->call.more))
        return;
    // Perhaps it reads well and only this turn is long.
    if (client->out.size() >= settings.out_limit &&
        client->send_some(barriers, monotonic_now()) == Connection::Io::ended) {
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
        client->call.end();
    }
    see_to(*client);
    charge(*client);
}

// To be told something, or looked at: at the end of the turn, or of one in which his user's turn comes.
void ControlServer::State::see_to(Connection& client) {
    if (client.dead || std::exchange(client.dirty, true))
        return;
    if (client.caller.may_act)
        dirty.push_back(&client);
    else
        hearers.add(client.caller.uid, &client);
}

void ControlServer::State::finish_turn() {
    if (barriers.take_removed())
        for (const auto& client : clients)
            if (client->out.size() != 0)
                see_to(*client);
    Instant now = monotonic_now();
    const Instant until = now + settings.others_time;
    // The handler that is told that a caller is gone may answer others.
    while (!dirty.empty() || !gone.empty() || (!hearers.empty() && now < until)) {
        for (Connection* client : std::exchange(dirty, {}))
            settle(*client, monotonic_now() + time_a_turn);
        for (CallId id : std::exchange(gone, {}))
            handler.gone(id);
        if (hearers.empty() || now >= until)
            continue;
        now = monotonic_now();
        Connection& client = *hearers.next();
        const uid_t user = client.caller.uid;
        settle(client, until);
        const Instant after = monotonic_now();
        hearers.charge(user, after - now);
        now = after;
    }
    dead.clear();
    listener.turn_ended();
}

// The end of a client's turn: send, then say what is waited for next.
void ControlServer::State::settle(Connection& client, Instant until) {
    client.dirty = false;
    if (client.dead)
        return;
    client.calls = client.reads = 0;
    const CallId before = client.call.id;
    const Connection::Io io = client.send_some(barriers, until);
    if (client.call.id != before)
        calls.erase(std::to_underlying(before)); // the last of the list is on its way
    if (client.read_ended && !client.call && !client.in.ready())
        client.closing = true;
    if (io == Connection::Io::ended || (client.closing && client.out.size() == 0)) {
        drop(client);
        return;
    }
    charge(client);
    if (client.dead)
        return;
    if (client.told != client.call.id || client.out.size() != 0) {
        client.told = client.call.id;
        moved.push_back(client.fd.get());
    }
    const bool call_ready = !client.busy() && !client.closing && client.in.ready();
    const bool more_to_send = !client.out.sendable(barriers).empty() || (client.call.list && client.out.size() == 0);
    client.watch->want_readable(!client.read_ended && !client.closing && !call_ready && !client.calling &&
                                (!client.busy() || client.in.held() < read_ahead));
    if (client.caller.may_act) {
        client.watch->want_writable(more_to_send || call_ready);
        return;
    }
    client.watch->want_writable(more_to_send && io != Connection::Io::fine);
    if (more_to_send && io == Connection::Io::fine)
        see_to(client);
    if (call_ready)
        wait_for_turn(client);
}

} // namespace mi::daemon
