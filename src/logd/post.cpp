#include "logd/post.hpp"

#include <poll.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <span>

#include "base/clock.hpp"
#include "logd/syslog.hpp"
#include "os/process/pidfd.hpp"

namespace mi::logd {
namespace {

// Mailbag::done is the number of a message, and how many bytes of it are done.
constexpr std::uint64_t done_of(std::size_t index, std::size_t from) { return std::uint64_t{index} << 32 | from; }

// Whom a message came from, and when.
struct Note {
    pid_t sender = 0;
    WallTime at{};
};

// What comes along with a message: visit(kind, bytes). As CMSG_NXTHDR does; but what is written there may be of a collector
// that went wild.
template <typename Visit>
void each_note(const msghdr& head, std::span<const char> room, Visit visit) {
    room = room.first(std::min<std::size_t>(head.msg_controllen, room.size()));
    while (room.size() >= sizeof(cmsghdr)) {
        cmsghdr note;
        std::memcpy(&note, room.data(), sizeof note);
        const std::size_t length = std::min<std::size_t>(note.cmsg_len, room.size());
        if (length < CMSG_LEN(0))
            break;
        if (note.cmsg_level == SOL_SOCKET)
            visit(note.cmsg_type, room.subspan(CMSG_LEN(0), length - CMSG_LEN(0)));
        room = room.subspan(std::min(CMSG_ALIGN(length), room.size()));
    }
}

template <typename T>
bool read(std::span<const char> bytes, T& into) {
    if (bytes.size() < sizeof into)
        return false;
    std::memcpy(&into, bytes.data(), sizeof into);
    return true;
}

Note read_note(const msghdr& head, std::span<const char> room) {
    Note note;
    each_note(head, room, [&note](int kind, std::span<const char> bytes) {
        ucred who{};
        timespec at{};
        if (kind == SCM_CREDENTIALS && read(bytes, who))
            note.sender = who.pid;
        else if (kind == SO_TIMESTAMPNS && read(bytes, at))
            note.at = {std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1000};
    });
    return note;
}

// A socket that is shut down is always readable; one that is not, and has nothing, never is.
bool has_ended(int socket) {
    pollfd one{socket, POLLRDHUP, 0};
    return ::poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLERR | POLLNVAL)) != 0;
}

} // namespace

void Post::prepare(bool with_pidfds) {
    // No length is left when the bag is opened, so everything that is in it then is new.
    for (std::size_t i = 0; i < most_datagrams; ++i) {
        mmsghdr& head = mail_.heads[i];
        mail_.rooms[i] = {mail_.bytes[i], datagram_room};
        head = {};
        head.msg_hdr.msg_iov = &mail_.rooms[i];
        head.msg_hdr.msg_iovlen = 1;
        head.msg_hdr.msg_control = mail_.notes[i];
        // Without room for it no descriptor comes in.
        head.msg_hdr.msg_controllen = sizeof mail_.notes[i] - (with_pidfds ? 0 : CMSG_SPACE(sizeof(int)));
    }
    mail_.done = 0;
    cgroups_ = {};
    publish(mail_.open, 1u);
}

// The descriptors are ours alone: who comes after us finds their numbers only, and asks in another way.
void Post::ask_about_senders(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        each_note(mail_.heads[i].msg_hdr, mail_.notes[i], [this, i](int kind, std::span<const char> bytes) {
            if (int fd = -1; kind == os::pidfd_note && read(bytes, fd))
                cgroups_[i] = os::cgroup_of(Fd(fd).get());
        });
}

Courier::Took Post::move(Stream& stream) {
    finish(*stream.unit);
    prepare(stream.has_pidfds);
    // MSG_TRUNC: the length is that of the message, also where it is longer than its room.
    auto receive = [&] {
        return ::recvmmsg(stream.pipe.get(), mail_.heads, most_datagrams, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC,
                          nullptr);
    };
    int count = receive();
    const bool ended = count <= 0 && has_ended(stream.pipe.get());
    if (ended) // what came before that
        count = receive();
    if (count <= 0) {
        publish(mail_.open, 0u);
        return {0, ended};
    }
    if (stream.has_pidfds)
        ask_about_senders(static_cast<std::size_t>(count));
    deliver(stream);
    std::size_t bytes = 0;
    for (int i = 0; i < count; ++i)
        bytes += std::max(1u, mail_.heads[i].msg_len);
    return {bytes, false};
}

void Post::finish(Unit& unit) {
    if (mail_.open == 0)
        return;
    Stream stream;
    stream.source = Source::syslog;
    stream.unit = &unit;
    deliver(stream);
}

void Post::deliver(Stream& stream) {
    utsname system{};
    (void)::uname(&system);
    const std::string_view host(system.nodename);
    now_ = monotonic_now();
    boot_ = boottime_now();
    wall_ = courier_.present();
    std::size_t index = static_cast<std::size_t>(mail_.done >> 32), from = mail_.done & UINT32_MAX;
    while (index < most_datagrams) {
        std::size_t used = 0;
        while (index < most_datagrams && put(index, host, *stream.unit, used, from)) {
            ++index;
            from = 0;
        }
        courier_.deliver(stream, used, done_of(index, from));
    }
    publish(mail_.open, 0u);
}

// Puts a message on the desk, behind what is there. False: there is no room for all of it.
bool Post::put(std::size_t index, std::string_view host, Unit& nobodys, std::size_t& used, std::size_t& from) {
    const mmsghdr& head = mail_.heads[index];
    if (head.msg_len == 0)
        return true;
    const std::size_t size = std::min<std::size_t>(head.msg_len, datagram_room);
    const Note note = read_note(head.msg_hdr, mail_.notes[index]);
    const SyslogMessage message = parse_syslog({mail_.bytes[index], size}, host);
    const std::string_view unit = senders_.unit_of(note.sender, cgroups_[index], now_,
                                                   boot_ - std::chrono::microseconds(wall_.micros - note.at.micros));
    const Letter letter{.unit = unit.empty() || unit.size() > wire::logs::longest_unit ? nobodys.name : unit,
                        .at = note.at,
                        .priority = message.priority,
                        .facility = message.facility};
    const bool cut = head.msg_len > datagram_room;
    if (message.tag.empty())
        return put_message(courier_.desk(), used, letter, {message.text}, cut, from);
    if (message.pid.empty())
        return put_message(courier_.desk(), used, letter, {message.tag, ": ", message.text}, cut, from);
    return put_message(courier_.desk(), used, letter, {message.tag, "[", message.pid, "]: ", message.text}, cut, from);
}

} // namespace mi::logd
