#include "daemon/socket/connections.hpp"

#include "base/count.hpp"
#include "base/unreachable.hpp"
#include "daemon/socket/sockets.hpp"
#include "os/file/runtime.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

namespace {

constexpr int accepts_a_turn = 64; // then others are heard, too
constexpr Span pause = std::chrono::seconds(1);
// An on-demand service that ends this soon, with something still waiting, has not taken it. So many times in a row, and it
// is not going to.
constexpr Span soon = std::chrono::seconds(1);
constexpr unsigned most_idle_runs = 20;
// One that takes what waits is run by connections this often in that time; those that come later wait for its end.
constexpr unsigned most_arrivals = 20;
constexpr Span burst = std::chrono::seconds(2);

// A socket of a unit, whatever descriptor it has by now.
std::string key_of(const core::Listen& listen) {
    std::string key(kind_name(listen.kind));
    return key.append(" ").append(listen.address);
}

void note_arrival(UnitConnections& connections, Instant now) {
    connections.last_arrival = now;
    if (now - connections.burst_began > burst) {
        connections.burst_began = now;
        connections.arrivals = 0;
    }
    ++connections.arrivals;
}

} // namespace

UnitConnections& Connections::of(core::UnitId unit) {
    std::unique_ptr<UnitConnections>& connections = units_[unit].connections;
    if (!connections)
        connections = std::make_unique<UnitConnections>();
    return *connections;
}

Result<> Connections::arm(core::UnitId unit, std::span<const OpenSocket> sockets) {
    disarm(unit);
    UnitConnections& connections = of(unit);
    const bool accepts =
        std::any_of(sockets.begin(), sockets.end(), [](const OpenSocket& one) { return one.settings.accept; });
    for (const OpenSocket& one : sockets) {
        const int fd = one.socket.fd();
        if (accepts)
            if (Result<> done = os::set_blocking(fd, false); !done)
                return done;
        auto watch =
            accepts ? kernel_.watch(fd, [this, unit, fd] { accept(unit, fd); }) : kernel_.watch(fd, [this, unit] {
                disarm(unit);
                note_arrival(of(unit), kernel_.now());
                host_.arrived(unit);
            });
        if (!watch)
            return std::unexpected(watch.error());
        connections.awaited.push_back({fd, one.settings, std::move(*watch)});
    }
    if (accepts)
        hold(connections);
    else
        slow_down(unit, connections);
    return {};
}

void Connections::slow_down(core::UnitId unit, UnitConnections& connections) {
    const Instant until = connections.burst_began + burst;
    if (connections.arrivals < most_arrivals || kernel_.now() >= until)
        return;
    for (UnitConnections::Awaited& socket : connections.awaited)
        socket.watch->want_readable(false);
    slowed_[unit] = until;
    host_.connection_trouble(unit, counted(connections.arrivals, "time") +
                                       " within 2s it was started by a connection; those that come now wait");
}

bool Connections::awaits(core::UnitId unit) const {
    const auto& connections = units_[unit].connections;
    return connections && !connections->awaited.empty();
}

unsigned Connections::idle_runs(core::UnitId unit, std::span<const OpenSocket> sockets, Instant now) {
    UnitConnections& connections = of(unit);
    const bool left = std::any_of(sockets.begin(), sockets.end(),
                                  [](const OpenSocket& one) { return os::something_waits(one.socket.fd()); });
    if (!left || connections.last_arrival == Instant{} || now - connections.last_arrival > soon)
        connections.idle_runs = 0;
    else
        ++connections.idle_runs;
    return connections.idle_runs >= most_idle_runs ? connections.idle_runs : 0;
}

void Connections::disarm(core::UnitId unit) {
    slowed_.erase(unit);
    if (units_[unit].connections)
        units_[unit].connections->awaited.clear();
}

void Connections::forget(core::UnitId unit) {
    UnitConnections* connections = units_[unit].connections.get();
    if (connections == nullptr)
        return;
    // Processes that a stop has left alone (kill-mode process) are still counted when they end.
    if (std::ranges::any_of(connections->counts, [](const auto& each) { return each.second.now > 0; }))
        *connections = {.counts = std::move(connections->counts)};
    else
        units_[unit].connections.reset();
}

void Connections::unit_gone(core::UnitId unit) {
    slowed_.erase(unit);
    std::erase_if(served_, [unit](const auto& one) { return one.second.unit == unit; });
}

// Stops listening where there are as many as there may be, and goes on where there are not.
void Connections::hold(UnitConnections& connections) const {
    for (UnitConnections::Awaited& socket : connections.awaited)
        if (socket.settings.accept)
            socket.watch->want_readable(resume_at_ == never && connections.counts[key_of(socket.settings)].now <
                                                                   socket.settings.max_connections);
}

void Connections::accept(core::UnitId unit, int fd) {
    UnitConnections& connections = of(unit);
    auto socket = std::find_if(connections.awaited.begin(), connections.awaited.end(),
                               [&](const UnitConnections::Awaited& one) { return one.fd == fd; });
    if (socket == connections.awaited.end() || resume_at_ != never)
        return;
    const std::uint32_t most = socket->settings.max_connections;
    const std::string key = key_of(socket->settings);
    ConnectionCount& count = connections.counts[key];
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
        if (!serve(unit, {key, std::move(**connection)}))
            return;
    }
    hold(connections);
}

// False where it has to wait, and with it all others.
bool Connections::serve(core::UnitId unit, UnitConnections::Pending pending) {
    Serving serving = host_.serve(unit, pending.connection);
    switch (serving.kind) {
    case Serving::Kind::served:
        ++of(unit).counts[pending.socket].now;
        served_[serving.pid] = {unit, std::move(pending.socket)};
        return true;
    case Serving::Kind::later:
        of(unit).pending = std::move(pending);
        rest();
        return false;
    case Serving::Kind::refused: return true;
    }
    unreachable("a connection is served in no other way");
}

// Nothing is accepted until something of ours has ended, or for a while.
void Connections::rest() {
    resume_at_ = kernel_.now() + pause;
    hold_all();
}

void Connections::hold_all() {
    for (core::UnitId unit = 0; unit < units_.size(); ++unit)
        if (units_[unit].connections)
            hold(*units_[unit].connections);
}

void Connections::go_on() {
    resume_at_ = never;
    for (core::UnitId unit = 0; unit < units_.size(); ++unit)
        if (UnitConnections* connections = units_[unit].connections.get();
            connections != nullptr && connections->pending && !connections->awaited.empty())
            if (!serve(unit, *std::exchange(connections->pending, std::nullopt)))
                return;
    hold_all();
}

void Connections::ended(pid_t pid) {
    auto served = served_.extract(pid);
    if (served.empty())
        return;
    if (UnitConnections* connections = units_[served.mapped().unit].connections.get(); connections != nullptr) {
        if (ConnectionCount& count = connections->counts[served.mapped().socket]; count.now > 0)
            --count.now;
        hold(*connections);
    }
    if (resume_at_ != never)
        go_on();
}

Instant Connections::next_deadline() const {
    Instant next = resume_at_;
    for (const auto& [unit, until] : slowed_)
        next = std::min(next, until);
    return next;
}

void Connections::due(Instant now) {
    std::erase_if(slowed_, [&](const auto& one) {
        if (one.second > now)
            return false;
        for (UnitConnections::Awaited& socket : of(one.first).awaited)
            socket.watch->want_readable(true);
        return true;
    });
    if (resume_at_ <= now)
        go_on();
}

std::string Connections::socket_of(pid_t pid) const {
    auto at = served_.find(pid);
    return at == served_.end() ? std::string() : at->second.socket;
}

ConnectionCount Connections::count(core::UnitId unit, const core::Listen& listen) const {
    if (const UnitConnections* connections = units_[unit].connections.get(); connections != nullptr)
        if (auto count = connections->counts.find(key_of(listen)); count != connections->counts.end())
            return count->second;
    return {};
}

} // namespace mi::daemon
