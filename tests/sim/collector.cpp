#include "sim/collector.hpp"

#include "logd/run.hpp"
#include "os/socket/packet.hpp"
#include "sim/machine.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <variant>

namespace mi::sim {

namespace logs = wire::logs;

Collector::Collector(Machine& machine, Process& process)
    : machine_(machine), pid_(process.pid), socket_(process.held.at(logd::control_fd).get()),
      buffer_(logs::longest_message), pipes_(::epoll_create1(EPOLL_CLOEXEC)) {
    say(logs::Hello{});
    say(logs::StorageIs{0, "/var/log/miniinit"});
}

Collector::~Collector() = default;

void Collector::say(const logs::FromCollector& message) { (void)os::send_packet(socket_, logs::encode(message)); }

bool Collector::run() {
    bool any = false;
    while (!gone_) {
        auto packet = os::receive_packet(socket_, buffer_);
        if (!packet)
            break;
        any = true;
        if (packet->size == 0) { // PID 1 has let go: it writes what it has and ends
            gone_ = true;
            break;
        }
        take({buffer_.data(), packet->size}, std::move(packet->fds));
    }
    read_pipes();
    if (gone_ || finishing_) {
        machine_.end(pid_, os::Exit::Kind::exited, 0); // and with it this object
        return true;
    }
    return any;
}

void Collector::take(std::string_view bytes, std::vector<Fd> fds) {
    auto message = logs::decode_to_collector(bytes);
    if (!message)
        return;
    if (auto* attach = std::get_if<logs::Attach>(&*message)) {
        for (std::size_t i = 0; i < attach->streams.size() && i < fds.size(); ++i) {
            const logs::StreamId id = attach->streams[i].stream;
            if (streams_.contains(id))
                continue;
            epoll_event event{.events = EPOLLIN, .data = {.u32 = id}};
            (void)::epoll_ctl(pipes_.get(), EPOLL_CTL_ADD, fds[i].get(), &event);
            streams_.emplace(id, std::move(fds[i]));
        }
    } else if (auto* ping = std::get_if<logs::Ping>(&*message)) {
        say(logs::Pong{ping->number});
    } else if (auto* flush = std::get_if<logs::Flush>(&*message)) {
        say(logs::Flushed{flush->token});
    } else if (std::holds_alternative<logs::Finish>(*message)) {
        finishing_ = true;
    }
}

void Collector::read_pipes() {
    std::array<epoll_event, 64> events;
    std::array<char, 65536> text;
    const int count = ::epoll_wait(pipes_.get(), events.data(), static_cast<int>(events.size()), 0);
    logs::Ended ended;
    for (int i = 0; i < count; ++i) {
        const logs::StreamId id = events[static_cast<std::size_t>(i)].data.u32;
        const ssize_t got = ::read(streams_.at(id).get(), text.data(), text.size());
        if (got != 0)
            continue;
        ended.streams.push_back(id);
        (void)::epoll_ctl(pipes_.get(), EPOLL_CTL_DEL, streams_.at(id).get(), nullptr); // PID 1 has the same open file
        streams_.erase(id);
    }
    if (!ended.streams.empty())
        say(ended);
}

} // namespace mi::sim
