#include "logd/forward.hpp"

#include "base/clock.hpp"
#include "base/count.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace mi::logd {
namespace {

namespace logs = wire::logs;

struct EntryHead {
    std::uint32_t unit_size, lines_size;
};

constexpr std::size_t ahead = 16 * 1024;       // made into messages before the socket takes them
constexpr std::size_t longest_datagram = 8192; // more than that does not get far
constexpr int socket_room = 128 * 1024;        // of what is under way to a server: kept until it has arrived
constexpr int most_sends = 256;                // in one go, so that pipes get their turn
constexpr unsigned arrives_again = 100;        // datagrams after which the server is thought to hear us
constexpr Span first_pause = std::chrono::milliseconds(250), longest_pause = std::chrono::seconds(30);
constexpr int silent_millis = 30'000; // without an answer, the server is gone

void put_number(std::string& to, std::uint64_t number) {
    std::array<char, 24> digits;
    to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

// A header field: printable ASCII without blanks, `most` bytes, "-" where there is nothing.
void put_field(std::string& to, std::string_view text, std::size_t most) {
    if (text.empty())
        to += '-';
    for (char c : text.substr(0, most))
        to += c > ' ' && c < 0x7f ? c : '_';
}

// The PID in `TAG[PID]: ...`, or nothing.
std::string_view pid_in(std::string_view text) {
    const std::size_t end = text.substr(0, 200).find("]: ");
    const std::size_t open = text.substr(0, end).find('[');
    if (end == text.npos || open == text.npos || text.substr(0, open).find(' ') != text.npos)
        return {};
    return text.substr(open + 1, end - open - 1);
}

std::string host_name() {
    utsname system{};
    (void)::uname(&system);
    std::string name(system.nodename);
    return name == "(none)" ? std::string() : name;
}

// How long the message at the beginning of `text` is, with its count.
std::size_t size_of_first(std::string_view text) {
    std::size_t size = 0;
    const char* end = std::from_chars(text.data(), text.data() + text.size(), size).ptr;
    return static_cast<std::size_t>(end - text.data()) + 1 + size;
}

} // namespace

void put_forwarded(std::string& to, std::string_view host, std::string_view unit, const logs::Line& line,
                   std::uint32_t number, bool counted) {
    const std::size_t begin = to.size();
    to += '<';
    put_number(to, static_cast<std::uint64_t>(line.facility) * 8 + static_cast<std::uint64_t>(line.priority));
    to += ">1 ";
    to.resize(to.size() + logs::stamp_size);
    logs::write_stamp(line.at, to.data() + to.size() - logs::stamp_size);
    to += ' ';
    put_field(to, host, 255);
    to += ' ';
    put_field(to, unit, 48);
    to += ' ';
    put_field(to, line.source == logs::Source::syslog ? pid_in(line.text) : std::string_view(), 128);
    to += ' ';
    to += logs::word_of(line.source);
    to += " [meta sequenceId=\"";
    put_number(to, number);
    to += "\"] ";
    to += line.text;
    if (!counted)
        return;
    std::string count;
    put_number(count, to.size() - begin);
    to.insert(begin, count + ' ');
}

void Forwarder::put(std::string_view unit, std::string_view lines) {
    const EntryHead head{static_cast<std::uint32_t>(unit.size()), static_cast<std::uint32_t>(lines.size())};
    queue_.append(reinterpret_cast<const char*>(&head), sizeof head);
    queue_ += unit;
    queue_ += lines;
}

void Forwarder::take(std::string_view unit, std::string_view lines) {
    constexpr std::size_t of_notice = 256;
    if (waiting() + sizeof(EntryHead) + unit.size() + lines.size() + of_notice > room_) {
        dropped_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
        return;
    }
    if (queue_at_ > 0 && queue_at_ >= queue_.size() / 2) {
        queue_.erase(0, queue_at_);
        queue_at_ = 0;
    }
    tell_dropped();
    put(unit, lines);
}

void Forwarder::tell_dropped() {
    if (dropped_ == 0)
        return;
    const std::string text =
        counted(std::exchange(dropped_, 0), "line is", "lines are") + " missing here: too many waited";
    put("miniinit", logs::stamp_of(wall_now()) + " warning init: " + text + '\n');
    trouble_ = "forwarding to " + server_ + ": " + text;
}

// Makes the next line that waits into a message. False: there is none.
bool Forwarder::next_piece() {
    while (waiting() > 0) {
        EntryHead head;
        std::memcpy(&head, queue_.data() + queue_at_, sizeof head);
        const std::string_view unit(queue_.data() + queue_at_ + sizeof head, head.unit_size);
        std::string_view lines(unit.data() + unit.size(), head.lines_size);
        lines.remove_prefix(line_at_);
        if (lines.empty()) {
            queue_at_ += sizeof head + head.unit_size + head.lines_size;
            line_at_ = 0;
            continue;
        }
        const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
        line_at_ += end + 1;
        if (const auto line = logs::parse_line(lines.substr(0, end))) {
            number_ = number_ % 2'147'483'647 + 1;
            put_forwarded(sent_, host_, unit, *line, number_, stream_);
            return true;
        }
    }
    return false;
}

void Forwarder::run(Instant now) {
    if (next_try_ != never && now < next_try_)
        return;
    next_try_ = never;
    if (connected() && stream_) { // a server that has closed is not sent anything more
        std::array<char, 512> nothing;
        ssize_t got = 0;
        for (int i = 0; i < 16 && (got = ::recv(socket_.get(), nothing.data(), nothing.size(), MSG_DONTWAIT)) > 0;
             ++i) {
        }
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return lose_connection(now, got == 0 ? 0 : errno);
    }
    if (connecting_) {
        int code = 0;
        socklen_t size = sizeof code;
        sockaddr_storage peer{};
        socklen_t peer_size = sizeof peer;
        (void)::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
        if (code == 0 && ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0)
            return; // not yet
        connecting_ = false;
        if (code != 0)
            return fail(now, Fault{code, "connect to", server_});
    }
    if (!socket_ && !idle())
        connect(now);
    if (!connected())
        return;
    host_ = host_name();
    if (stream_)
        send_stream(now);
    else
        send_datagrams(now);
    if (dropped_ > 0 && waiting() < room_ / 2) {
        tell_dropped();
        blocked_ = socket_ && !connecting_; // it is sent in the next turn
    }
}

void Forwarder::connect(Instant now) {
    const auto found = find_server(server_);
    if (!found)
        return fail(now, found.error());
    stream_ = found->stream;
    Fd socket(
        ::socket(found->address.ss_family, (stream_ ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return fail(now, Fault{errno, "make a socket for", server_});
    if (stream_) {
        const int on = 1;
        // What is refused here is a matter of how soon a loss is noticed, and of memory.
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &socket_room, sizeof socket_room);
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_millis, sizeof silent_millis);
    }
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&found->address), found->size) != 0) {
        if (errno != EINPROGRESS)
            return fail(now, Fault{errno, "connect to", server_});
        connecting_ = true;
    }
    socket_ = std::move(socket);
}

// It is tried again after a while, as long as there is something to send.
void Forwarder::fail(Instant now, const Fault& fault) {
    socket_.reset();
    connecting_ = blocked_ = false;
    arrived_ = 0;
    pause_ = pause_ == Span{0} ? first_pause : std::min(2 * pause_, longest_pause);
    next_try_ = idle() ? never : now + pause_;
    if (!std::exchange(failing_, true))
        trouble_ = "forwarding to " + server_ + ": cannot " + fault.text() + "; lines wait for it";
}

void Forwarder::lose_connection(Instant now, int code) {
    forget_arrived();
    sent_to_ = 0;                     // what may not have arrived goes again
    if (sent_.empty() && code == 0) { // nothing is lost by that, so it is not reported
        socket_.reset();
        blocked_ = false;
        if (!idle())
            next_try_ = now + first_pause;
        return;
    }
    fail(now,
         code == 0 ? Fault{0, "keep the connection: the server has closed it", ""} : Fault{code, "send to", server_});
}

// What the server's system has is not kept any longer, as far as these are whole messages.
void Forwarder::forget_arrived() {
    int under_way = 0;
    if (sent_to_ == 0 || ::ioctl(socket_.get(), SIOCOUTQ, &under_way) != 0)
        return;
    const std::size_t there = sent_to_ - std::min(sent_to_, static_cast<std::size_t>(under_way));
    std::size_t done = 0;
    for (std::size_t next = 0; done < there; done = next)
        if (next = done + size_of_first(std::string_view(sent_).substr(done)); next > there)
            break;
    if (done == 0)
        return;
    sent_.erase(0, done);
    sent_to_ -= done;
    pause_ = Span{0};
    if (std::exchange(failing_, false))
        trouble_ = "forwarding to " + server_ + " works again";
}

void Forwarder::send_stream(Instant now) {
    blocked_ = false;
    forget_arrived();
    for (int i = 0; i < most_sends; ++i) {
        while (sent_.size() - sent_to_ < ahead && next_piece()) {
        }
        if (sent_to_ == sent_.size())
            return;
        const ssize_t n =
            ::send(socket_.get(), sent_.data() + sent_to_, sent_.size() - sent_to_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno != EINTR)
            return lose_connection(now, errno);
        sent_to_ += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    }
    blocked_ = true;
}

void Forwarder::send_datagrams(Instant now) {
    blocked_ = false;
    for (int i = 0; i < most_sends; ++i) {
        if (sent_.empty() && !next_piece())
            return;
        const ssize_t n =
            ::send(socket_.get(), sent_.data(), std::min(sent_.size(), longest_datagram), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(now, Fault{errno, "send to", server_});
        sent_.clear();
        if (++arrived_ >= arrives_again) {
            pause_ = Span{0};
            if (std::exchange(failing_, false))
                trouble_ = "forwarding to " + server_ + " works again";
        }
    }
    blocked_ = true;
}

} // namespace mi::logd
