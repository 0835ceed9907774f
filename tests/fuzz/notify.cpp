// Messages of sd_notify(3) as a service may send them: any text, with any control data that the kernel passes on (descriptors of
// several kinds, in several pieces, more than we may open; credentials said or left out), received at a real notify socket, read
// and acted on by the store of descriptors. Besides not crashing: no descriptor gets lost or stays open, each is close-on-exec,
// the sender is who it is, and what is kept of a text is printable.
#include "base/printable.hpp"
#include "daemon/notify/notice.hpp"
#include "daemon/socket/fd_store.hpp"
#include "os/socket/notify_socket.hpp"
#include "os/socket/packet.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace mi;

namespace {

constexpr core::UnitId unit = 7; // whose socket it is

void must(bool truth) {
    if (!truth)
        std::abort();
}

// What is left of the input, taken from the front.
class Input {
public:
    explicit Input(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    unsigned number() {
        const unsigned value = bytes_.empty() ? 0 : static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(bytes_.empty() ? 0 : 1);
        return value;
    }
    std::string_view text(std::size_t size) {
        const std::string_view front = bytes_.substr(0, size);
        bytes_.remove_prefix(front.size());
        return front;
    }

private:
    std::string_view bytes_;
};

// The socket of a service, and whoever writes to it.
struct Line {
    Line() {
        std::string path = "/tmp/fuzz-notify-" + std::to_string(::getpid());
        auto bound = os::NotifySocket::bind(path);
        must(bound.has_value());
        socket = new os::NotifySocket(std::move(*bound)); // as long as the program
        sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        must(::connect(sender, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::unlink(path.c_str());
    }
    os::NotifySocket* socket;
    int sender;
};

Fd make_descriptor(unsigned kind) {
    int ends[2];
    switch (kind % 4) {
    case 0: return Fd(::eventfd(0, 0));
    case 1: return Fd(::memfd_create("fuzz", 0));
    case 2:
        must(::pipe(ends) == 0);
        ::close(ends[kind / 4 % 2]); // the other end has hung up
        return Fd(ends[1 - kind / 4 % 2]);
    default:
        must(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        ::close(ends[1]);
        return Fd(ends[0]);
    }
}

// Control data of several pieces, as the input has it. `fds`: those that are in it. Not `honest`: a piece is not as long as it
// says, and swallows others.
std::string control_of(Input& input, std::vector<Fd>& fds, bool& honest) {
    std::string control;
    auto piece = [&](int type, std::string_view bytes, std::size_t claimed) {
        cmsghdr header{};
        header.cmsg_level = SOL_SOCKET;
        header.cmsg_type = type;
        header.cmsg_len = CMSG_LEN(claimed);
        std::string all(CMSG_SPACE(bytes.size()), '\0');
        std::memcpy(all.data(), &header, sizeof header);
        bytes.copy(all.data() + CMSG_LEN(0), bytes.size());
        control += all;
    };
    for (unsigned pieces = input.number() % 4; pieces > 0; --pieces) {
        const unsigned what = input.number();
        if (what % 8 == 0) {
            const ucred self{::getpid(), ::getuid(), ::getgid()};
            piece(SCM_CREDENTIALS, {reinterpret_cast<const char*>(&self), sizeof self}, sizeof self);
        } else if (what % 8 == 1) { // longer than it is, or of a kind that there is not: the kernel has the last word
            piece(SCM_RIGHTS, input.text(8), input.number());
            honest = false;
        } else {
            std::vector<int> numbers;
            for (unsigned count = what % 8 == 2 ? what : what / 8 % 8; count > 0; --count) {
                const bool again = what % 8 == 3 && !fds.empty(); // the same one, twice
                if (!again)
                    fds.push_back(make_descriptor(input.number()));
                numbers.push_back(fds.back().get());
            }
            piece(SCM_RIGHTS, {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(int)},
                  numbers.size() * sizeof(int));
        }
    }
    return control;
}

void must_be_sound(const daemon::Notice& notice) {
    for (const auto& text : {notice.status, notice.trouble, notice.main_pid})
        must(!text || (text->size() <= 256 && printable(*text) == *text));
    must(!notice.name.empty() && notice.name.size() <= 255 && notice.name.find(':') == std::string::npos &&
         printable(notice.name) == notice.name);
    must(!notice.watchdog || *notice.watchdog >= Span{0});
    must(!notice.extend || *notice.extend >= Span{0});
}

// As the supervisor does with a message that it believes.
void act(daemon::FdStore& store, const daemon::UnitTable& units, os::NotifyMessage message) {
    constexpr std::size_t most = 5;
    const daemon::Notice notice = daemon::read_notice(message.text);
    must_be_sound(notice);
    if (notice.give_up)
        store.remove(unit, notice.name);
    for (Fd& fd : message.fds) {
        must(fd && ::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
        if (notice.keep)
            (void)store.keep(unit, notice.name, std::move(fd), notice.polled, most);
        else
            must(store.discard(unit, std::move(fd)));
    }
    store.drop_dead();
    must(units[unit].stored.size() <= most);
}

// What is open at and above `first`.
std::size_t open_from(int first) {
    std::size_t count = 0;
    for (int fd = first; fd < first + 300; ++fd)
        count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Line line;
    Input input({reinterpret_cast<const char*>(data), size});
    const int free = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
    ::close(free);
    const std::size_t before = open_from(free);
    {
        daemon::UnitTable units;
        units.fit(unit + 1);
        daemon::Children children;
        daemon::FdStore store(units, children, [](core::UnitId) {});
        for (unsigned messages = 0; messages < 4 && !input.empty(); ++messages) {
            std::vector<Fd> fds;
            const unsigned how = input.number();
            bool honest = how % 8 != 1;
            std::string control = control_of(input, fds, honest);
            if (how % 8 == 1) // cut off in the middle of a piece
                control.resize(control.size() - std::min<std::size_t>(control.size(), input.number()));
            std::string text(input.text(input.number() * (how % 8 == 2 ? 64 : 1)));
            if (how % 8 == 3)
                text.resize(text.size() + 8192, 'x'); // about as long as may be
            iovec part{text.data(), text.size()};
            msghdr message{};
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            message.msg_control = control.empty() ? nullptr : control.data();
            message.msg_controllen = control.size();
            if (::sendmsg(line.sender, &message, MSG_NOSIGNAL) < 0)
                continue;
            const std::size_t sent = fds.size();
            fds.clear(); // in the socket only, from now on
            rlimit limit{}, narrow{};
            ::getrlimit(RLIMIT_NOFILE, &limit);
            narrow = limit;
            const int lowest = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
            ::close(lowest);
            if (how % 8 == 4)
                narrow.rlim_cur = static_cast<rlim_t>(lowest) + how / 8;
            ::setrlimit(RLIMIT_NOFILE, &narrow);
            auto received = line.socket->receive();
            ::setrlimit(RLIMIT_NOFILE, &limit);
            must(received.has_value() && received->has_value());
            os::NotifyMessage& got = **received;
            must(got.long_ == (text.size() > 8192));
            must(got.fds.size() <= os::most_descriptors && (got.cut || got.fds.size() >= sent || !honest));
            must(got.long_ || (got.pid == ::getpid() && got.uid == ::getuid() && got.text == text));
            // What a piece that lies takes for numbers may be anything that is open here, and closing that may take a child.
            if (!honest)
                got.fds.clear();
            act(store, units, std::move(got));
        }
        store.drop(unit);
        auto none = line.socket->receive();
        must(none.has_value() && !none->has_value());
    }
    must(open_from(free) == before);
    return 0;
}
