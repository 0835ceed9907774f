#include "daemon/socket/connections.hpp"

#include <algorithm>

namespace mi::daemon {

namespace {

constexpr int accepts_a_turn = 64; // then others are heard, too
constexpr Span pause = std::chrono::seconds(1);
// An on-demand service that ends this soon, with something still waiting, has not taken it. So many times in a row, and it
// is not going to.
constexpr Span soon = std::chrono::seconds(1);
constexpr unsigned most_idle_runs = 20;

// A socket of a unit, whatever descriptor it has by now.
std::string key_of(const core::Listen& listen) {
    std::string key(kind_name(listen.kind));
    return key.append(" ").append(listen.address);
}

} // namespace

Result<> Connections::arm(const std::string& unit, std::span<const Sockets::Open> sockets) {
    disarm(unit);
    Gate& gate = gates_[unit];
    const bool accepts =
        std::any_of(sockets.begin(), sockets.end(), [](const Sockets::Open& one) { return one.settings.accept; });
    for (const Sockets::Open& one : sockets) {
        const int fd = one.socket.fd();
        if (accepts)
            if (Result<> done = os::set_blocking(fd, false); !done)
                return done;
        auto watch = accepts ? loop_.watch(fd, [this, unit, fd] { accept(unit, fd); }) : loop_.watch(fd, [this, unit] {
            disarm(unit);
            gates_[unit].last_arrival = loop::now();
            host_.arrived(unit);
        });
        if (!watch)
            return std::unexpected(watch.error());
        gate.doors.push_back({fd, one.settings, std::move(*watch)});
    }
    if (accepts)
        hold(gate);
    return {};
}

unsigned Connections::idle_runs(const std::string& unit, std::span<const Sockets::Open> sockets, Instant now) {
    Gate& gate = gates_[unit];
    const bool left = std::any_of(sockets.begin(), sockets.end(),
                                  [](const Sockets::Open& one) { return os::something_waits(one.socket.fd()); });
    if (!left || gate.last_arrival == Instant{} || now - gate.last_arrival > soon)
        gate.idle_runs = 0;
    else
        ++gate.idle_runs;
    return gate.idle_runs >= most_idle_runs ? gate.idle_runs : 0;
}

void Connections::disarm(const std::string& unit) {
    auto at = gates_.find(unit);
    if (at == gates_.end())
        return;
    at->second.doors.clear();
}

void Connections::forget(const std::string& unit) {
    auto at = gates_.find(unit);
    if (at == gates_.end())
        return;
    disarm(unit);
    at->second.pending.reset();
    const auto& counts = at->second.counts;
    // Processes that a stop has left alone (kill-mode process) are still counted when they end.
    if (std::any_of(counts.begin(), counts.end(), [](const auto& each) { return each.second.now > 0; }))
        at->second.last_arrival = {};
    else
        gates_.erase(at);
}

// Stops listening where there are as many as there may be, and goes on where there are not.
void Connections::hold(Gate& gate) {
    for (Door& door : gate.doors)
        if (door.settings.accept)
            door.watch->want_readable(resume_at_ == never &&
                                      gate.counts[key_of(door.settings)].now < door.settings.max_connections);
}

void Connections::accept(const std::string& unit, int fd) {
    Gate& gate = gates_[unit];
    auto door = std::find_if(gate.doors.begin(), gate.doors.end(), [&](const Door& one) { return one.fd == fd; });
    if (door == gate.doors.end() || resume_at_ != never)
        return;
    const std::uint32_t most = door->settings.max_connections;
    const std::string key = key_of(door->settings);
    Count& count = gate.counts[key];
    for (int i = 0; i < accepts_a_turn && count.now < most; ++i) {
        auto connection = os::accept_connection(fd);
        if (!connection) {
            // What waits would wake us without end.
            host_.connection_trouble(unit, connection.error().text() + "; connections wait");
            return rest();
        }
        if (!*connection)
            break;
        ++count.all;
        if (!serve(unit, gate, {key, std::move(**connection)}))
            return;
    }
    hold(gate);
}

// False where it has to wait, and with it all others.
bool Connections::serve(const std::string& unit, Gate& gate, Gate::Pending pending) {
    Serving serving = host_.serve(unit, pending.connection);
    switch (serving.kind) {
    case Serving::Kind::served:
        ++gate.counts[pending.socket].now;
        served_[serving.pid] = {unit, std::move(pending.socket)};
        return true;
    case Serving::Kind::later:
        gate.pending = std::move(pending);
        rest();
        return false;
    case Serving::Kind::refused: return true;
    }
    __builtin_unreachable();
}

// Nothing is accepted until something of ours has ended, or for a while.
void Connections::rest() {
    resume_at_ = loop::now() + pause;
    for (auto& [unit, gate] : gates_)
        hold(gate);
}

void Connections::go_on() {
    resume_at_ = never;
    for (auto& [unit, gate] : gates_)
        if (gate.pending && !gate.doors.empty()) {
            Gate::Pending pending = std::move(*gate.pending);
            gate.pending.reset();
            if (!serve(unit, gate, std::move(pending)))
                return;
        }
    for (auto& [unit, gate] : gates_)
        hold(gate);
}

void Connections::ended(pid_t pid) {
    auto at = served_.find(pid);
    if (at == served_.end())
        return;
    Served served = std::move(at->second);
    served_.erase(at);
    auto gate = gates_.find(served.unit);
    if (gate != gates_.end()) {
        if (Count& count = gate->second.counts[served.socket]; count.now > 0)
            --count.now;
        hold(gate->second);
    }
    if (resume_at_ != never)
        go_on();
}

void Connections::due(Instant now) {
    if (resume_at_ <= now)
        go_on();
}

const std::map<std::string, Connections::Count>* Connections::counts(const std::string& unit) const {
    auto gate = gates_.find(unit);
    return gate == gates_.end() || gate->second.counts.empty() ? nullptr : &gate->second.counts;
}

const std::string& Connections::socket_of(pid_t pid) const {
    static const std::string none;
    auto at = served_.find(pid);
    return at == served_.end() ? none : at->second.socket;
}

Connections::Count Connections::count(const std::string& unit, const core::Listen& listen) const {
    if (auto gate = gates_.find(unit); gate != gates_.end())
        if (auto count = gate->second.counts.find(key_of(listen)); count != gate->second.counts.end())
            return count->second;
    return {};
}

} // namespace mi::daemon
