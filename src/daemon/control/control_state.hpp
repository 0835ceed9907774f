// What a control server keeps, and how its parts work together. Of these files alone: control.cpp (what others see),
// control_clients.cpp (who comes and goes, and the room they take), control_calls.cpp (what they say and are told).
#pragma once

#include "daemon/control/client_accounts.hpp"
#include "daemon/control/control.hpp"
#include "daemon/control/control_connection.hpp"
#include "daemon/control/control_listener.hpp"
#include "daemon/control/fair_queue.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mi::daemon {

struct ControlServer::State {
    State(loop::Loop& with, ControlHandler& whom, ControlSettings how)
        : loop(with), handler(whom), settings(how),
          listener(with, [this](Fd fd) { welcome(std::move(fd)); }, [this] { make_room(); }) {}

    // control_clients.cpp
    void welcome(Fd fd);
    Connection* enter(std::unique_ptr<Connection> client);
    void make_room();
    [[nodiscard]] Connection* longest_idle(bool may_act, uid_t user) const;
    void charge(Connection& client);
    void drop(Connection& client);

    // control_calls.cpp
    void on_readable(Connection& client);
    void on_writable(Connection& client);
    bool take_calls();
    void finish_turn();
    void listen_to(Connection& client, unsigned reads, Instant until);
    void serve(Connection& client, Instant until);
    void handle(Connection& client, std::string_view message);
    [[nodiscard]] Connection* caller_of(CallId id) const;
    void begin_list(CallId id, ListReply list, std::size_t bytes);
    void answer(CallId id, bool continues, const std::function<void(std::string&)>& append);
    void refuse(Connection& client, bool oneway, const wire::Error& error);
    void see_to(Connection& client);
    void settle(Connection& client, Instant until);
    void wait_for_turn(Connection& client);

    loop::Loop& loop;
    ControlHandler& handler;
    ControlSettings settings;
    ControlListener listener;
    ClientAccounts accounts;
    std::vector<std::unique_ptr<Connection>> clients;
    std::vector<std::unique_ptr<Connection>> dead; // until the end of the turn: somebody may be working on one
    std::vector<Connection*> dirty;                // to be told something, or looked at; of those who may act
    FairQueue<Connection*> callers, hearers;       // those who may not: who have something to say, to be told something
    std::vector<CallId> gone;
    std::vector<int> moved; // clients, since somebody asked
    std::unordered_map<std::uint64_t, Connection*> calls;
    Barriers barriers;
    std::uint64_t last_call = 0;
    std::uint64_t clock = 0; // counts what happens, to tell who has been idle longest
};

} // namespace mi::daemon
