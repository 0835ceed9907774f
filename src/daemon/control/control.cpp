#include "daemon/control/control.hpp"

#include "daemon/control/control_state.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

std::size_t memory_of(const std::vector<std::string>& names) {
    std::size_t bytes = names.capacity() * sizeof(std::string);
    for (const std::string& name : names)
        bytes += name.capacity();
    return bytes;
}

ControlServer::ControlServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::make(loop::Loop& loop, Fd listener, ControlHandler& handler,
                                                           ControlSettings settings) {
    auto state = std::make_unique<State>(loop, handler, settings);
    if (Result<> listening = state->listener.listen_at(std::move(listener)); !listening)
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

void ControlServer::State::begin_list(CallId id, ListReply list, std::size_t bytes) {
    Connection* client = caller_of(id);
    if (client == nullptr || client->call.list)
        return;
    client->call.memory = bytes;
    client->call.list.emplace(std::move(list));
    see_to(*client);
    charge(*client);
}

void ControlServer::reply_list(CallId id, const wire::Reply& empty, ListReply::Next next, std::size_t bytes) {
    std::string head = wire::list_head(empty);
    const std::size_t with_head = bytes + head.size();
    state_->begin_list(id, ListReply(std::move(head), std::move(next)), with_head);
}

void ControlServer::reply_each(CallId id, ListReply::Next next, std::size_t bytes) {
    state_->begin_list(id, ListReply({}, std::move(next)), bytes);
}

void ControlServer::charge(CallId id, std::size_t bytes) {
    if (Connection* client = state_->caller_of(id)) {
        client->call.memory = bytes;
        state_->charge(*client);
    }
}

bool ControlServer::waiting(CallId id) const { return state_->caller_of(id) != nullptr; }

ControlServer::Barrier ControlServer::hold() { return state_->barriers.add(); }

void ControlServer::release(Barrier barrier) { state_->barriers.remove(barrier); }

bool ControlServer::take_calls() { return state_->take_calls(); }

void ControlServer::finish_turn() { state_->finish_turn(); }

Result<> ControlServer::listen_at(Fd listener) { return state_->listener.listen_at(std::move(listener)); }

Instant ControlServer::next_deadline() const {
    return state_->callers.empty() && state_->hearers.empty() ? state_->listener.next_deadline() : Instant{};
}

void ControlServer::due(Instant now) { state_->listener.due(now); }

void ControlServer::flush() {
    // A copy: who fails is dropped.
    std::vector<Connection*> all;
    for (const auto& client : state_->clients)
        all.push_back(client.get());
    for (Connection* client : all)
        if (!client->call.list && client->send_some(state_->barriers, never) == Connection::Io::ended)
            state_->drop(*client);
}

// --- from one program to the next -------------------------------------------------------------------------------------

ControlServer::Clients ControlServer::clients() { return Clients(*state_); }

std::vector<int>& ControlServer::Clients::moved() { return state_.moved; }
std::uint64_t ControlServer::Clients::last_call() const { return state_.last_call; }
void ControlServer::Clients::set_last_call(std::uint64_t last) { state_.last_call = std::max(state_.last_call, last); }

std::vector<int> ControlServer::Clients::all() const {
    std::vector<int> fds;
    for (const auto& client : state_.clients)
        fds.push_back(client->fd.get());
    return fds;
}

state::ClientImage ControlServer::Clients::tell(int fd, bool bytes) const {
    auto found = std::ranges::find(state_.clients, fd, [](const auto& one) { return one->fd.get(); });
    state::ClientImage image{.fd = fd};
    if (found == state_.clients.end())
        return image;
    const Connection& client = **found;
    image.open = true;
    image.pid = client.caller.pid;
    image.uid = client.caller.uid;
    image.gid = client.caller.gid;
    image.may_act = client.caller.may_act;
    image.more = client.call.more;
    image.inode = client.inode;
    image.call = std::to_underlying(client.call.id);
    // What is half read or half sent can only be kept by who has the time for it; and a list of units is made as it is sent.
    image.lost = client.call.list || client.closing || (!bytes && (client.out.size() != 0 || client.in.held() != 0));
    if (bytes && !image.lost) {
        image.in = client.in.unread();
        image.out = client.out.unsent();
    }
    return image;
}

void ControlServer::Clients::adopt(state::ClientImage image) {
    auto client = std::make_unique<Connection>(
        Fd(image.fd), Caller{image.pid, image.uid, image.gid, image.may_act, false}, state_.settings.in_limit);
    client->call.id = CallId{image.call};
    client->call.more = image.more;
    client->told = client->call.id;
    if (!client->in.append(image.in))
        return;
    client->out.append_to(state_.barriers) += image.out;
    Connection* entered = state_.enter(std::move(client));
    if (entered == nullptr)
        return;
    if (image.call != 0)
        state_.calls.emplace(image.call, entered);
    state_.moved.push_back(entered->fd.get());
    state_.see_to(*entered);
}

void ControlServer::set_group(std::optional<gid_t> group) { state_->settings.group = group; }

std::size_t ControlServer::connections() const { return state_->clients.size(); }

std::size_t ControlServer::buffered() const { return state_->accounts.total(); }

int ControlServer::listener() const { return state_->listener.fd(); }

} // namespace mi::daemon
