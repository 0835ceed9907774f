#include "logd/collector.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "base/unreachable.hpp"
#include "os/process/pidfd.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr std::size_t crowd = 128;
constexpr Span crowd_time = std::chrono::milliseconds(10);
constexpr std::uint32_t control_index = UINT32_MAX;
constexpr std::uint32_t server_index = control_index - logs::most_servers; // of the first one
constexpr std::uint32_t console_index = server_index - 1;
constexpr std::uint32_t packing_index = console_index - 1;  // below are streams
constexpr rlim_t spare = 6;                                 // descriptors that pipes leave for files
constexpr std::size_t most_batches = 64;                    // of a source that may never be empty
constexpr Span last_words = std::chrono::milliseconds(500); // to servers, at the end
constexpr unsigned most_reports = 100;
constexpr Span retry_after = std::chrono::seconds(1);
constexpr Span between_progress = std::chrono::seconds(2);

bool watch(int epoll, int operation, int fd, std::uint32_t events, std::uint32_t index) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = index;
    return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

// Whether a pipe with this number leaves enough of them for log files, without which what it brings would be lost. A pipe that is
// not taken keeps what is in it.
bool leaves_room(int pipe) {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(pipe) + spare < limit.rlim_cur;
}

// One message and the descriptors that came with it. os::receive_packet refuses a message with more descriptors than
// this process may have; here the entries that did fit are wanted, and the others named to PID 1. -1 with errno, 0:
// closed.
ssize_t receive(int socket, std::vector<char>& bytes, std::vector<Fd>& fds) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * logs::most_attachments)];
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return size;
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS)
            continue;
        for (std::size_t i = 0; i < (one->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(one) + i * sizeof(int), sizeof(int));
            fds.emplace_back(fd);
        }
    }
    return size;
}

} // namespace

Collector::Collector(Mapping& memory, int control, int holding_read, int holding_write, std::size_t most_open)
    : units_(*memory, most_open), courier_(memory, units_, holding_read, holding_write), post_(*memory, courier_),
      kernel_log_(*memory, courier_), storage_(*memory, units_, courier_, [this] { tell_progress(); }),
      control_(control), epoll_(::epoll_create1(EPOLL_CLOEXEC)), message_(logs::longest_message) {}

int Collector::serve() {
    if (!epoll_ || !watch(epoll_.get(), EPOLL_CTL_ADD, control_, EPOLLIN, control_index))
        return exit_usage;
    say(logs::Hello{});
    while (turn()) {
    }
    if (unusable_)
        return exit_estate_unusable;
    finish();
    return exit_done;
}

bool Collector::turn() {
    int timeout = -1;
    Instant next = std::min(next_try_, tell_ended_at_);
    for (const Server& server : servers_)
        next = std::min(next, server.link.next_try());
    if (next != never)
        timeout =
            static_cast<int>(std::max<std::int64_t>(0, (next - monotonic_now()) / std::chrono::milliseconds(1) + 1));
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    // PID 1 first: what it asks for should not wait for a flood.
    for (int i = 0; i < count; ++i)
        if (events[static_cast<std::size_t>(i)].data.u32 == control_index)
            read_control();
    if (alone_)
        return false;
    // Then who may be gone in a moment, then the rest.
    for (bool by_post : {true, false})
        for (int i = 0; i < count; ++i)
            if (const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
                index < packing_index && (streams_[index].source == Source::syslog) == by_post)
                read(index);
    for (int i = 0; i < count; ++i)
        if (events[static_cast<std::size_t>(i)].data.u32 == packing_index)
            total_.changed(storage_.directory(), packing_.ended());
    if (post_.unfinished() && !sockets_.empty())
        take_post();
    if (next_try_ != never && next_try_ <= monotonic_now())
        retry();
    pack();
    echo();
    forward();
    report();
    return !finishing_ && !unusable_ && !alone_;
}

void Collector::read_control() {
    (void)take_messages();
    send(); // an EPOLLOUT was for this
}

// A bounded number of messages, so that pipes get their turn. False: there are no more now.
bool Collector::take_messages() {
    bool more = true;
    for (int i = 0; i < 16 && more && !finishing_ && !unusable_; ++i) {
        arrived_.clear();
        ssize_t size = receive(control_, message_, arrived_);
        alone_ = size == 0 || (size < 0 && errno == ECONNRESET);
        more = size > 0;
        if (!more)
            break;
        auto message = logs::decode_to_collector({message_.data(), static_cast<std::size_t>(size)});
        if (!message) { // only a different program would send that; its descriptors are closed again
            std::fprintf(stderr, "miniinit-logd: %s\n", printable(message.error().text()).c_str());
            continue;
        }
        if (!configured_ && !std::holds_alternative<logs::Configure>(*message))
            handle(logs::Configure{});
        if (!unusable_)
            std::visit([this](const auto& one) { handle(one); }, *message);
    }
    arrived_.clear();
    return more && !finishing_ && !unusable_;
}

void Collector::handle(const logs::Configure& message) {
    configured_ = true;
    units_.use_limits(message.limits);
    total_.use_limit(message.total_size);
    for (const std::string& server : message.forward)
        if (std::ranges::none_of(servers_, [&](const Server& one) { return one.link.server() == server; }))
            courier_.add_server(servers_.emplace_back(server, message.forward_queue).link);
    courier_.echo().use(message.console, message.console_level);
    post_.senders().use_cgroups(message.cgroups);
    if (auto ready = storage_.configure(message.directories); !ready)
        give_up(ready.error());
    look_for_storage();
}

void Collector::handle(const logs::Attach& message) {
    std::vector<StreamId> refused, ended;
    for (std::size_t i = 0; i < message.streams.size(); ++i) {
        logs::Attachment entry = message.streams[i];
        if (i < arrived_.size() && entry.source == wire::unknown<Source>) {
            // Of a later version. A pipe has lines, whatever they are called; anything else cannot be read.
            struct stat about{};
            const bool is_pipe = ::fstat(arrived_[i].get(), &about) == 0 && S_ISFIFO(about.st_mode);
            std::fprintf(stderr, "miniinit-logd: a stream of %s is of a later version, and %s\n",
                         printable(entry.unit).c_str(), is_pipe ? "read as its output" : "dropped");
            if (!is_pipe) {
                ended.push_back(entry.stream);
                continue;
            }
            entry.source = wire::Numbers<Source>::fallback;
        }
        if (i >= arrived_.size() || !attach(entry, std::move(arrived_[i])))
            refused.push_back(entry.stream);
    }
    if (!ended.empty())
        say(logs::Ended{std::move(ended)});
    if (!refused.empty())
        say(logs::Refused{std::move(refused)});
}

bool Collector::attach(const logs::Attachment& entry, Fd pipe) {
    auto at = find(entry.stream);
    if (at != known_.end() && at->id == entry.stream)
        return true;
    if (!leaves_room(pipe.get()))
        return false;
    if (unused_.empty()) {
        unused_.push_back(static_cast<std::uint32_t>(streams_.size()));
        streams_.emplace_back();
    }
    const std::uint32_t index = unused_.back();
    if (!watch(epoll_.get(), EPOLL_CTL_ADD, pipe.get(), EPOLLIN, index))
        return false;
    unused_.pop_back();
    known_.insert(at, {entry.stream, index});
    Stream& stream = streams_[index];
    stream.id = entry.stream;
    stream.pipe = std::move(pipe);
    stream.source = entry.source;
    stream.slot = courier_.slot_of(entry.stream);
    stream.unit = &units_.enter(entry.unit, &entry.limits);
    stream.unit->forward = entry.forward;
    stream.leader = entry.leader;
    stream.cgroup = entry.cgroup;
    stream.has_pidfds = stream.source == Source::syslog && os::asks_for_senders(stream.pipe.get());
    if (stream.source == Source::syslog)
        sockets_.push_back(stream.id);
    post_.senders().add(stream.leader, stream.cgroup, entry.unit, monotonic_now());
    return true;
}

void Collector::handle(const logs::Flush& message) {
    if (!message.streams.empty())
        take_post(); // what it had to say by syslog(3) comes before its end, too
    for (StreamId id : message.streams)
        if (auto at = find(id); at != known_.end() && at->id == id)
            drain(at->index, Rest::with);
    say(logs::Flushed{message.token});
}

void Collector::handle(const logs::TryStorage&) {
    storage_.look();
    look_for_storage();
}

void Collector::handle(const logs::Finish&) { finishing_ = true; }

void Collector::handle(const logs::Ping& message) { say(logs::Pong{message.number}); }

// Called from inside long work, which may well take longer than PID 1 waits for an answer.
void Collector::tell_progress() {
    const Instant present = monotonic_now();
    if (present - progress_told_ < between_progress)
        return;
    progress_told_ = present;
    say(logs::Pong{});
}

std::vector<Collector::Known>::iterator Collector::find(StreamId id) {
    return std::lower_bound(known_.begin(), known_.end(), id,
                            [](const Known& known, StreamId wanted) { return known.id < wanted; });
}

void Collector::read(std::uint32_t index) {
    Stream& stream = streams_[index];
    if (stream.id == 0 || unusable_)
        return;
    if (stream.source == Source::init)
        read_own(index);
    else
        (void)took(index, move(stream));
}

// What a batch says of its stream; false: there will be no other.
bool Collector::took(std::uint32_t index, const Result<Courier::Took>& batch) {
    if (!batch) {
        give_up(batch.error());
    } else if (batch->end) {
        (void)courier_.move_tail(streams_[index]);
        end(index);
    }
    return batch && !batch->end;
}

// Lines of PID 1: after what those wrote that they are about.
void Collector::read_own(std::uint32_t index) {
    const OwnWords::Ahead ahead = own_words_.look(streams_[index].pipe.get(), courier_.desk());
    if (ahead.bytes > 0) {
        while (take_messages()) { // pipes that PID 1 sent before it wrote this
        }
        take_post();
        // In the order in which their processes were made.
        std::vector<std::uint32_t> theirs;
        for (const Known& one : known_)
            if (const Stream& stream = streams_[one.index];
                stream.source < Source::init && ahead.concern(stream.unit->name))
                theirs.push_back(one.index);
        for (std::uint32_t one : theirs)
            drain(one, Rest::without);
    }
    (void)took(index, courier_.move(streams_[index], ahead.bytes > 0 ? ahead.bytes : SIZE_MAX));
}

Result<Courier::Took> Collector::move(Stream& stream) {
    switch (stream.source) {
    case Source::syslog: return post_.move(stream);
    case Source::kernel: return kernel_log_.move(stream);
    case Source::out:
    case Source::err:
    case Source::init: return courier_.move(stream);
    }
    unreachable("there is no other source of lines");
}

// Shows what the turn has brought on the console, and waits where that is slow.
void Collector::echo() {
    Echo& echo = courier_.echo();
    echo.flush();
    const int fd = echo.waits_for();
    if (fd == console_)
        return;
    // A number that was closed has left the set by itself; another's of that number is not ours.
    if (console_ >= 0 && fd < 0)
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, console_, nullptr);
    console_ = fd >= 0 && watch(epoll_.get(), EPOLL_CTL_ADD, fd, EPOLLOUT, console_index) ? fd : -1;
}

// Sends what the turn has brought, and waits for what each server needs.
void Collector::forward() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& server = servers_[i];
        server.link.run(monotonic_now());
        if (std::string trouble = server.link.take_trouble(); !trouble.empty())
            say(logs::Trouble{trouble.substr(0, logs::longest_path)});
        const int fd = server.link.fd();
        const bool writing = server.link.wants_writable();
        if (fd == server.watched && writing == server.for_writing)
            continue;
        // One that is closed has left the set by itself, and its number may be another's.
        const std::uint32_t events = EPOLLRDHUP | (writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
        const auto index = server_index + static_cast<std::uint32_t>(i);
        if (fd >= 0 && !watch(epoll_.get(), EPOLL_CTL_MOD, fd, events, index))
            (void)watch(epoll_.get(), EPOLL_CTL_ADD, fd, events, index);
        server.watched = fd;
        server.for_writing = writing;
    }
}

// At the end the console and those servers that can be reached get the rest, for a moment.
void Collector::forward_last() {
    const Instant end = monotonic_now() + last_words;
    for (courier_.echo().flush(); courier_.echo().waits_for() >= 0 && monotonic_now() < end; courier_.echo().flush()) {
        pollfd one{courier_.echo().waits_for(), POLLOUT, 0};
        (void)::poll(&one, 1, static_cast<int>((end - monotonic_now()) / std::chrono::milliseconds(1)) + 1);
    }
    for (Server& server : servers_)
        for (;;) {
            server.link.run(monotonic_now());
            const Instant present = monotonic_now();
            if (server.link.idle() || server.link.fd() < 0 || present >= end)
                break;
            pollfd one{server.link.fd(), static_cast<short>(server.link.wants_writable() ? POLLOUT : POLLRDHUP), 0};
            (void)::poll(&one, 1, static_cast<int>((end - present) / std::chrono::milliseconds(10)) + 1);
        }
}

// What was sent by syslog(3) so far. A bound on it: who writes without end is not waited for.
void Collector::take_post() {
    for (const StreamId id : std::vector(sockets_)) {
        const std::uint32_t index = find(id)->index;
        for (std::size_t bags = 0; bags < most_batches && streams_[index].id == id && !unusable_; ++bags) {
            const auto took = post_.move(streams_[index]);
            if (took.end)
                end(index);
            if (took.bytes == 0)
                break;
        }
    }
    if (post_.unfinished()) {
        Unit& unit = units_.enter("syslog");
        post_.finish(unit);
        units_.leave(unit);
    }
}

// Everything the pipe has now. Bounded by that: a service that keeps writing is not waited for.
void Collector::drain(std::uint32_t index, Rest rest) {
    Stream& stream = streams_[index];
    int there = 0;
    if (stream.source == Source::syslog)
        return take_post();
    if (stream.source == Source::kernel) {
        for (std::size_t i = 0; i < most_batches && kernel_log_.move(stream).bytes > 0; ++i) {
        }
        return;
    }
    if (unusable_ || ::ioctl(stream.pipe.get(), FIONREAD, &there) < 0)
        return;
    for (std::size_t left = static_cast<std::size_t>(there);;) {
        const auto batch = move(stream);
        if (!took(index, batch))
            return;
        // A last look finds the end of a pipe that has one: then its unfinished line is all there will be.
        if (batch->bytes == 0 || left == 0)
            break;
        left -= std::min(left, batch->bytes);
        if (left == 0 && rest == Rest::with)
            break;
    }
    if (rest == Rest::with)
        (void)courier_.move_tail(stream);
}

void Collector::end(std::uint32_t index) {
    Stream& stream = streams_[index];
    courier_.release(stream);
    post_.senders().remove(stream.leader, stream.cgroup);
    std::erase(sockets_, stream.id);
    ended_.push_back(stream.id);
    known_.erase(find(stream.id));
    stream.id = 0;
    // Closing is not enough: PID 1's copy of the descriptor would keep the pipe in the epoll set.
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
    stream.pipe.reset();
    units_.leave(*std::exchange(stream.unit, nullptr));
    unused_.push_back(index);
}

void Collector::finish() {
    if (!configured_) // the estate may be another's: who started us is gone
        return;
    packing_.stop();
    take_post();
    while (!known_.empty()) {
        const auto [id, index] = known_.back();
        drain(index, Rest::with);
        if (!known_.empty() && known_.back().id == id)
            known_.pop_back();
    }
    if (storage_.rank() != 0)
        storage_.look();
    if (units_.has_losses() && !units_.in_memory())
        courier_.tell_losses();
    forward_last();
    report(); // nothing is synced: what is written outlives us, and the end of the machine syncs it with all the rest
}

void Collector::give_up(const Fault& fault) {
    std::fprintf(stderr, "miniinit-logd: cannot %s\n", printable(fault.text()).c_str());
    unusable_ = true;
}

void Collector::look_for_storage() {
    if (std::exchange(reported_rank_, storage_.rank()) != storage_.rank())
        say(logs::StorageIs{storage_.rank(), storage_.path()});
}

void Collector::retry() {
    storage_.look(); // also finds a directory that was removed and made again
    look_for_storage();
    if (units_.has_losses() && !units_.in_memory())
        courier_.tell_losses();
    next_try_ = never;
}

void Collector::pack() {
    // Elsewhere than in the best directory files only wait to be moved there.
    for (const auto& [unit, compress] : units_.take_rotated()) {
        total_.changed(storage_.directory(), unit);
        if (compress && storage_.rank() == 0)
            packing_.want(unit);
    }
    if (packing_.descriptor() >= 0)
        return;
    packing_.start(storage_.directory());
    if (packing_.descriptor() >= 0 &&
        !watch(epoll_.get(), EPOLL_CTL_ADD, packing_.descriptor(), EPOLLIN, packing_index))
        packing_.stop();
}

// The end of a turn: what PID 1 should know, and whether something is to be tried again.
void Collector::report() {
    // Ends come in crowds, when many services stop. Nobody is in a hurry to close a pipe, so PID 1 is woken once for many.
    if (!ended_.empty() && tell_ended_at_ == never)
        tell_ended_at_ = monotonic_now() + crowd_time;
    if (ended_.size() < crowd && tell_ended_at_ != never && !finishing_ && monotonic_now() < tell_ended_at_)
        return report_losses();
    tell_ended_at_ = never;
    for (std::size_t at = 0; at < ended_.size(); at += logs::most_streams) {
        auto begin = ended_.begin() + static_cast<std::ptrdiff_t>(at);
        auto end = ended_.begin() + static_cast<std::ptrdiff_t>(std::min(ended_.size(), at + logs::most_streams));
        say(logs::Ended{{begin, end}});
    }
    ended_.clear();
    report_losses();
}

void Collector::report_losses() {
    // A disk that is full by turns must not make PID 1 write about it all the time; the units' logs have the counts.
    for (logs::Dropped& dropped : units_.take_reports()) {
        if (const Instant present = monotonic_now(); present - reports_since_ > std::chrono::seconds(10)) {
            reports_since_ = present;
            reports_ = 0;
        }
        if (++reports_ <= most_reports)
            say(std::move(dropped));
    }
    const bool pending = storage_.unfinished() || (units_.has_losses() && !units_.in_memory());
    if (pending && next_try_ == never)
        next_try_ = monotonic_now() + retry_after;
}

void Collector::say(const logs::FromCollector& message) {
    to_send_.push_back(logs::encode(message));
    send();
}

void Collector::send() {
    while (!to_send_.empty()) {
        const std::string& message = to_send_.front();
        if (::send(control_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
            (errno == EAGAIN || errno == EINTR))
            break;
        to_send_.pop_front(); // sent, or nobody is there to hear it
    }
    if (waiting_to_send_ != !to_send_.empty()) {
        waiting_to_send_ = !to_send_.empty();
        watch(epoll_.get(), EPOLL_CTL_MOD, control_, waiting_to_send_ ? EPOLLIN | EPOLLOUT : EPOLLIN, control_index);
    }
}

} // namespace mi::logd
