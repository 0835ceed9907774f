// Varlink: how requests and replies are framed and written, for both ends of the control socket. A message is a JSON object
// and a NUL byte (https://varlink.org/Method-Call). No descriptor is touched here.
#pragma once

#include "wire/json.hpp"
#include "wire/messages.hpp"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mi::wire {

// Bytes as they come, cut into messages. Each byte is looked at once for the NUL, however small the pieces it comes in.
class Framer {
public:
    // No message is longer than `limit` bytes, its NUL included.
    explicit Framer(std::size_t limit) : limit_(limit) {}
    // False: a message is longer than the limit, and nothing more can be read from this sender.
    [[nodiscard]] bool append(std::string_view bytes);
    // The next whole message without its NUL, valid until the framer is next touched; or none.
    [[nodiscard]] std::optional<std::string_view> next();
    // Whether next() has one to give.
    [[nodiscard]] bool ready();
    // Bytes that are held, and memory that they take.
    [[nodiscard]] std::size_t held() const { return buffer_.size() - begin_; }
    [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }
    [[nodiscard]] std::size_t memory() const { return buffer_.capacity(); }

private:
    std::string buffer_;
    std::size_t begin_ = 0;   // of the first message not yet given out
    std::size_t scanned_ = 0; // no NUL from begin_ up to here; where there is one at all, it may be the very next byte
    std::size_t limit_;
};

// ---- the serving end ----------------------------------------------------------------------------------------------------

// One call as it was made.
struct Call {
    std::optional<Request> request;
    std::string
        answer; // of a call that needs nobody (introspection): the reply, ready to send; then there is no request
    bool more = false;
    bool oneway = false; // no reply is wanted, not even an error
};
// Why a call cannot be made: an Error to be answered with; or none, and the connection is to be closed, for what came is not
// Varlink at all.
struct Refusal {
    std::optional<Error> error;
    bool oneway = false;
};
[[nodiscard]] std::expected<Call, Refusal> parse_call(std::string_view message);

// Whether only those who may act may make this request, whether it answers many times, and its full method name.
[[nodiscard]] bool acts(const Request& request);
[[nodiscard]] Many answers_many(const Request& request);
[[nodiscard]] std::string method_name(const Request& request);

// Append one whole message, its NUL included.
void append_reply(std::string& out, const Reply& reply, bool continues);
void append_error(std::string& out, const Error& error);

// A reply that is a list can be written piece by piece. It begins with this: `empty` is the reply with the list, which is its
// last field, empty. The elements follow with commas between them, and then `]}}` (or `]},"continues":true}`) and a NUL.
[[nodiscard]] std::string list_head(const Reply& empty);
template <typename T>
void append_element(std::string& out, const T& element) {
    JsonWriter writer(out, true);
    write_json(writer, element);
}

// The interface in Varlink's definition language, made from the field lists.
[[nodiscard]] std::string interface_description();

// ---- the calling end ----------------------------------------------------------------------------------------------------

void append_call(std::string& out, const Request& request, bool more);

// An error reply. `known` where it is one of ours.
struct CallFailure {
    std::string name;
    std::string parameters; // as JSON
    std::optional<Error> known;
};
template <typename R>
struct Answer {
    R value;
    bool continues = false;
};

// The parts of a reply message before its parameters are understood. Nothing where it is no reply.
struct RawAnswer {
    JsonDocument document;
    JsonView parameters;
    bool continues = false;
    std::string error;
};
[[nodiscard]] std::optional<RawAnswer> parse_answer(std::string_view message);
[[nodiscard]] CallFailure failure_of(const RawAnswer& answer);

// Reads a reply of type R. A message that is none is a failure with an empty name.
template <typename R>
[[nodiscard]] std::expected<Answer<R>, CallFailure> read_answer(std::string_view message) {
    std::optional<RawAnswer> raw = parse_answer(message);
    if (!raw)
        return std::unexpected(CallFailure{});
    if (!raw->error.empty())
        return std::unexpected(failure_of(*raw));
    Answer<R> answer{{}, raw->continues};
    if (raw->parameters.kind() == JsonView::Kind::object && !read_json(raw->parameters, answer.value, false).empty())
        return std::unexpected(CallFailure{});
    return answer;
}

} // namespace mi::wire
