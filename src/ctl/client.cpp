#include "ctl/client.hpp"

#include "base/clock.hpp"
#include "os/socket/local_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>

namespace mi::ctl {

namespace {

std::string words_of(const wire::Error& error) {
    return std::visit(
        [](const auto& one) -> std::string {
            using E = std::remove_cvref_t<decltype(one)>;
            if constexpr (std::is_same_v<E, wire::NoSuchUnit>)
                return "there is no unit " + one.unit +
                       (one.nearest ? " (did you mean " + *one.nearest + "?)"
                                    : " (of a file that is new, `minictl start` and `minictl reload-units` make one)");
            else if constexpr (std::is_same_v<E, wire::PermissionDenied>)
                return std::string("not allowed: only root and the control group may do this") +
                       (::geteuid() != 0 ? "\n(--user speaks to your own manager)" : "");
            else if constexpr (std::is_same_v<E, wire::InvalidUnit>)
                return one.unit + " is invalid: " + one.message;
            else if constexpr (std::is_same_v<E, wire::Masked>)
                return one.unit + " is masked: it cannot be started";
            else if constexpr (std::is_same_v<E, wire::NotRunning>)
                return one.unit + " is not running, it is " + std::string(wire::word(one.state));
            else if constexpr (std::is_same_v<E, wire::JobFailed>)
                return one.unit + " is " + std::string(wire::word(one.state)) +
                       (one.message.empty() ? "" : ": " + one.message);
            else if constexpr (std::is_same_v<E, wire::ShuttingDown>)
                return "the system is going down";
            else if constexpr (std::is_same_v<E, wire::NotSupported>)
                return one.message.empty() ? "this init cannot do that here" : one.message;
            else if constexpr (std::is_same_v<E, wire::InvalidParameter>)
                return "the init does not accept this value of " + one.parameter;
            else if constexpr (std::is_same_v<E, wire::MethodNotFound>)
                return "the running init is of another version: it does not know " + one.method;
            else if constexpr (std::is_same_v<E, wire::InterfaceNotFound>)
                return "what listens there is not miniinit (no " + one.name + ")";
            else
                return "the running init is of another version: it wants to answer many times";
        },
        error);
}

} // namespace

Failure failure_of(wire::CallFailure said) {
    if (said.name.empty())
        return {"the answer of the init cannot be understood", {}, false, false};
    Failure failure;
    failure.message = said.known ? words_of(*said.known) : "the init answers " + said.name;
    failure.forbidden = said.known && (std::holds_alternative<wire::PermissionDenied>(*said.known) ||
                                       std::holds_alternative<wire::NoSuchUnit>(*said.known));
    failure.said = std::move(said);
    return failure;
}

std::expected<Client, Failure> Client::connect(const std::string& path) {
    Result<Fd> fd = os::connect_local(path, std::chrono::seconds(10));
    if (fd)
        return Client(std::move(*fd));
    Failure failure;
    failure.nobody = fd.error().code == ENOENT || fd.error().code == ECONNREFUSED || fd.error().code == ENOTDIR;
    failure.forbidden = fd.error().code == EACCES || fd.error().code == EPERM;
    failure.message = failure.nobody ? "no init is listening at " + path : fd.error().text();
    return std::unexpected(std::move(failure));
}

bool Client::served_by_us() const {
    Result<os::Peer> peer = os::peer_of(fd_.get());
    return peer && (peer->uid == ::geteuid() || peer->uid == 0);
}

std::optional<Failure> Client::send(const wire::Request& request, bool more) {
    std::string out;
    wire::append_call(out, request, more);
    return send(out);
}

std::optional<Failure> Client::send(std::string_view message) {
    for (std::string_view rest = message; !rest.empty();) {
        const ssize_t count = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return Failure{fault(errno, "talk to the init").error().text(), {}, false, false};
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    return std::nullopt;
}

std::expected<std::optional<std::string_view>, Failure> Client::receive(std::optional<Span> patience) {
    const auto end = monotonic_now() + patience.value_or(Span{0});
    for (;;) {
        if (std::optional<std::string_view> message = framer_.next())
            return message;
        int timeout = -1;
        if (patience)
            timeout = static_cast<int>(
                std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(end - monotonic_now()).count()));
        pollfd one{fd_.get(), POLLIN, 0};
        const int ready = ::poll(&one, 1, timeout);
        if (ready == 0)
            return std::nullopt;
        char chunk[16 << 10];
        const ssize_t count = ready > 0 ? ::recv(fd_.get(), chunk, sizeof chunk, MSG_DONTWAIT) : -1;
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count == 0)
            return std::unexpected(Failure{"the init closed the connection", {}, false, false});
        if (count < 0)
            return std::unexpected(Failure{fault(errno, "hear from the init").error().text(), {}, false, false});
        if (!framer_.append({chunk, static_cast<std::size_t>(count)}))
            return std::unexpected(Failure{"the answer of the init has no end", {}, false, false});
    }
}

} // namespace mi::ctl
