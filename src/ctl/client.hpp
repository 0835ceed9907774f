// The client end of the control socket: one blocking connection.
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

// The reason why there is no answer: an error reply, or a failed connection.
struct Failure {
    std::string message;                   // one line for people
    std::optional<wire::CallFailure> said; // an error reply
    bool nobody = false;                   // no init is listening
    bool forbidden = false;                // we have no permission to connect, or for this call
};
// An error reply in words.
[[nodiscard]] Failure failure_of(wire::CallFailure said);

class Client {
public:
    // `path`: that of the socket.
    [[nodiscard]] static std::expected<Client, Failure> connect(const std::string& path);

    // Readable when `next` may have an answer.
    [[nodiscard]] int descriptor() const { return fd_.get(); }

    // Whether the other end is a process of our user or of root.
    [[nodiscard]] bool served_by_us() const;

    // Makes one call and waits for one answer. `patience`: the most time to wait; nullopt: no limit.
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

    // For several answers: sends the call; then call `next` for each answer. An empty optional: none came in time.
    [[nodiscard]] std::optional<Failure> send(const wire::Request& request, bool more);
    // Sends one complete Varlink message, its NUL included.
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

    // The time limit for every call that does not wait for a unit.
    static constexpr Span quick = std::chrono::seconds(20);

private:
    explicit Client(Fd fd) : fd_(std::move(fd)), framer_(longest_reply) {}
    [[nodiscard]] std::expected<std::optional<std::string_view>, Failure> receive(std::optional<Span> patience);

    static constexpr std::size_t longest_reply = 64 << 20;
    Fd fd_;
    wire::Framer framer_;
};

} // namespace mi::ctl
