#include "daemon/socket/sockets.hpp"

#include "base/unreachable.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace mi::daemon {

namespace {

os::Endpoint::Kind kind_of(core::Listen::Kind kind) {
    switch (kind) {
    case core::Listen::Kind::stream: return os::Endpoint::Kind::stream;
    case core::Listen::Kind::datagram: return os::Endpoint::Kind::datagram;
    case core::Listen::Kind::sequential_packet: return os::Endpoint::Kind::sequential_packet;
    case core::Listen::Kind::fifo: return os::Endpoint::Kind::fifo;
    }
    unreachable("there is no other kind of socket");
}

// What has to be as it was for an open socket to go on serving. Names and numbers of connections can change under it.
bool same_socket(const core::Listen& a, const core::Listen& b) {
    return a.kind == b.kind && a.address == b.address && a.user == b.user && a.group == b.group && a.mode == b.mode &&
           a.backlog == b.backlog && a.reuse_port == b.reuse_port;
}

std::expected<os::Endpoint, NoStart> endpoint_of(const core::Listen& listen, os::Accounts& accounts) {
    os::Endpoint endpoint{.kind = kind_of(listen.kind),
                          .address = listen.address,
                          .mode = listen.mode.value_or(0666),
                          .backlog = listen.backlog,
                          .reuse_port = listen.reuse_port};
    if (!listen.user.empty()) {
        auto user = accounts.user(listen.user);
        if (!user)
            return std::unexpected(NoStart("user", listen.user, user.error()));
        endpoint.user = user->uid;
        endpoint.group = user->gid;
    }
    if (!listen.group.empty()) {
        auto group = accounts.group(listen.group);
        if (!group)
            return std::unexpected(NoStart("group", listen.group, group.error()));
        endpoint.group = *group;
    }
    return endpoint;
}

// A path has no port; of the others the reader has seen to it that there is one.
bool is_privileged_port(const core::Listen& listen) {
    if (listen.address.starts_with('/') || listen.address.starts_with('@'))
        return false;
    std::size_t colon = listen.address.rfind(':');
    return colon != std::string::npos && listen.address.size() - colon <= 5 &&
           std::atoi(listen.address.c_str() + colon + 1) < 1024;
}

// The words of a failure name the step and its error. `hangs`: the path may hang.
std::expected<os::ListenSocket, NoStart> open_there(const core::Listen& listen, os::Accounts& accounts,
                                                    os::HangingMounts& hanging, bool& hangs) {
    auto endpoint = endpoint_of(listen, accounts);
    if (!endpoint)
        return std::unexpected(endpoint.error());
    os::MountJudge judge(&hanging);
    auto socket = os::ListenSocket::open(*endpoint, &judge);
    if (socket)
        return std::move(*socket);
    hangs = judge.untouched().has_value();
    if (hangs)
        return std::unexpected(judge.untouched()->text() + ", which may hang; a local one has to be used, as /run");
    NoStart refused(socket.error().text());
    if (socket.error().code == EACCES && is_privileged_port(listen))
        refused.words += " (a port below 1024 needs root or CAP_NET_BIND_SERVICE)";
    refused.lasts =
        socket.error().code == EACCES || socket.error().code == EPERM; // an address may become free, or be given
    return std::unexpected(std::move(refused));
}

// The same, naming the socket.
std::expected<os::ListenSocket, NoStart> open_one(const core::Listen& listen, os::Accounts& accounts,
                                                  os::HangingMounts& hanging) {
    bool hangs = false;
    auto socket = open_there(listen, accounts, hanging, hangs);
    if (!socket)
        socket.error().words.insert(0, "cannot listen at " + listen.address + ": ");
    return socket;
}

} // namespace

std::string_view kind_name(core::Listen::Kind kind) {
    switch (kind) {
    case core::Listen::Kind::stream: return "stream";
    case core::Listen::Kind::datagram: return "datagram";
    case core::Listen::Kind::sequential_packet: return "sequential-packet";
    case core::Listen::Kind::fifo: return "fifo";
    }
    unreachable("there is no other kind of socket");
}

std::string descriptor_name(const core::Unit& unit, const core::Listen& listen) {
    std::string name = listen.name.empty() ? unit.name : listen.name;
    std::replace(name.begin(), name.end(), ':', '_'); // which separates them
    return name;
}

bool opens_early(const core::Listen& listen) {
    return !listen.address.starts_with('/') || listen.address.starts_with("/run/") ||
           listen.address.starts_with("/dev/");
}

bool uses_stream(const core::Unit& unit) {
    const core::Process* process = unit.process.get();
    return process != nullptr && (process->input == core::Input::socket || process->output == core::Output::socket ||
                                  process->error == core::Output::socket);
}

bool Sockets::reachable(const OpenSocket& one) {
    os::MountJudge judge(&hanging_);
    return one.socket.reachable(&judge);
}

void Sockets::remove(OpenSocket& one) {
    os::MountJudge judge(&hanging_);
    one.socket.remove(&judge);
}

std::expected<bool, NoStart> Sockets::open(core::UnitId id, const core::Unit& unit, os::Accounts& accounts) {
    std::vector<OpenSocket>& open = units_[id].sockets;
    // First what stays, then what goes: it may be in the way of what comes.
    std::vector<OpenSocket> before = std::exchange(open, {}), now(unit.listen.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
        const core::Listen& wanted = unit.listen[i];
        auto old = std::find_if(before.begin(), before.end(), [&](const OpenSocket& one) {
            return one.socket.fd() >= 0 && same_socket(one.settings, wanted) && reachable(one);
        });
        if (old != before.end())
            now[i] = {wanted, std::move(old->socket)};
    }
    for (OpenSocket& old : before)
        if (old.socket.fd() >= 0)
            remove(old);
    before.clear();
    std::optional<NoStart> trouble;
    std::vector<std::size_t> fresh;
    for (std::size_t i = 0; i < now.size() && !trouble; ++i) {
        if (now[i].socket.fd() >= 0)
            continue;
        auto socket = open_one(unit.listen[i], accounts, hanging_);
        if (socket) {
            now[i] = {unit.listen[i], std::move(*socket)};
            fresh.push_back(i);
        } else {
            trouble = std::move(socket.error());
        }
    }
    if (trouble)
        for (std::size_t i : fresh) {
            remove(now[i]);
            now[i] = {};
        }
    std::erase_if(now, [](const OpenSocket& one) { return one.socket.fd() < 0; });
    open = std::move(now);
    if (trouble)
        return std::unexpected(std::move(*trouble));
    return !fresh.empty();
}

bool Sockets::all_reachable(core::UnitId id) {
    return std::ranges::all_of(units_[id].sockets, [this](const OpenSocket& one) { return reachable(one); });
}

std::vector<Sockets::Remade> Sockets::remake_lost(core::UnitId id, os::Accounts& accounts) {
    std::vector<Remade> remade;
    for (OpenSocket& one : units_[id].sockets) {
        if (reachable(one)) {
            one.lost = false;
            continue;
        }
        bool hangs = false;
        auto socket = open_there(one.settings, accounts, hanging_, hangs);
        if (hangs) // what lies there is let be
            continue;
        remade.push_back({one.settings.address, {}, std::exchange(one.lost, !socket.has_value())});
        if (socket)
            one.socket = std::move(*socket);
        else
            remade.back().trouble = std::move(socket.error().words);
    }
    return remade;
}

void Sockets::watch(core::UnitId id, os::PathWatch& paths) {
    os::MountJudge judge(&hanging_);
    for (const OpenSocket& one : units_[id].sockets)
        if (one.settings.address.starts_with('/'))
            paths.watch_file(one.settings.address, &judge);
}

void Sockets::close(core::UnitId id) {
    for (OpenSocket& one : std::exchange(units_[id].sockets, {}))
        remove(one);
}

} // namespace mi::daemon
