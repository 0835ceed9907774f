// The calling end of the control socket: one blocking connection.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/varlink.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>

namespace mi::ctl {

// Why there is no answer: what the other side says, or that there is no other side.
struct Failure {
    std::string message;                   // one line for people
    std::optional<wire::CallFailure> said; // an error reply
    bool nobody = false;                   // no init is listening
    bool forbidden = false;                // we may not connect or not do this
};
// An error reply in words.
[[nodiscard]] Failure failure_of(wire::CallFailure said);

class Client {
public:
    // `path`: of the socket.
    [[nodiscard]] static std::expected<Client, Failure> connect(const std::string& path);

    // Readable when `next` may have something.
    [[nodiscard]] int descriptor() const { return fd_.get(); }

    // Whether the other end is a process of this user or of root.
    [[nodiscard]] bool served_by_us() const;

    // One call, one answer. `patience`: how long that may take; none: for ever.
    template <typename R>
    [[nodiscard]] std::expected<typename R::Reply, Failure> call(const R& request,
                                                                 std::optional<Span> patience = quick) {
        if (std::optional<Failure> failure = send(request, false))
            return std::unexpected(std::move(*failure));
        auto answer = next<typename R::Reply>(patience);
        if (!answer)
            return std::unexpected(answer.error());
        if (!*answer)
            return std::unexpected(Failure{"the init does not answer"});
        return std::move((*answer)->value);
    }

    // For many answers: sends the call, then `next` once for each. None in time: an empty optional.
    [[nodiscard]] std::optional<Failure> send(const wire::Request& request, bool more);
    // One whole message of Varlink, its NUL included.
    [[nodiscard]] std::optional<Failure> send(std::string_view message);
    template <typename R>
    [[nodiscard]] std::expected<std::optional<wire::Answer<R>>, Failure> next(std::optional<Span> patience) {
        std::expected<std::optional<std::string_view>, Failure> message = receive(patience);
        if (!message)
            return std::unexpected(message.error());
        if (!*message)
            return std::optional<wire::Answer<R>>();
        std::expected<wire::Answer<R>, wire::CallFailure> answer = wire::read_answer<R>(**message);
        if (!answer)
            return std::unexpected(failure_of(std::move(answer.error())));
        return std::optional(std::move(*answer));
    }

    // What everything but waiting for a unit must be done in.
    static constexpr Span quick = std::chrono::seconds(20);

private:
    explicit Client(Fd fd) : fd_(std::move(fd)), framer_(longest_reply) {}
    [[nodiscard]] std::expected<std::optional<std::string_view>, Failure> receive(std::optional<Span> patience);

    static constexpr std::size_t longest_reply = 64 << 20;
    Fd fd_;
    wire::Framer framer_;
};

} // namespace mi::ctl
