// Varlink for both ends of the control socket: frames and encodes requests and replies. A message is a JSON object and
// a NUL byte (https://varlink.org/Method-Call). Makes no system calls.
#pragma once

#include "wire/json.hpp"
#include "wire/messages.hpp"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mi::wire {

// Splits a stream of bytes into messages. Searches each byte for the NUL only once, however small the pieces are.
class Framer {
public:
    // A message has at most `limit` bytes, its NUL included.
    explicit Framer(std::size_t limit) : limit_(limit) {}
    // False: a message is longer than the limit, and the rest of this stream cannot be read.
    [[nodiscard]] bool append(std::string_view bytes);
    // The next complete message without its NUL, valid until the framer is used again; nullopt: none.
    [[nodiscard]] std::optional<std::string_view> next();
    // Whether next() will return a message.
    [[nodiscard]] bool ready();
    // The number of bytes held, those bytes, and the size of their memory.
    [[nodiscard]] std::size_t held() const { return buffer_.size() - begin_; }
    [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }
    [[nodiscard]] std::size_t memory() const { return buffer_.capacity(); }

private:
    std::string buffer_;
    std::size_t begin_ = 0;   // start of the first message that next() has not returned
    std::size_t scanned_ = 0; // no NUL from begin_ up to here; the next byte may be one
    std::size_t limit_;
};

// ---- the serving end ----------------------------------------------------------------------------------------------------

// One decoded call.
struct Call {
    std::optional<Request> request;
    std::string answer; // for introspection: the finished reply; then there is no request
    bool more = false;
    bool oneway = false; // the caller wants no reply, not even an error
};
// The reason why a call is refused: the Error to reply with; without one the connection must be closed, because the
// bytes are not Varlink.
struct Refusal {
    std::optional<Error> error;
    bool oneway = false;
};
[[nodiscard]] std::expected<Call, Refusal> parse_call(std::string_view message);

// Whether the request needs the permission to act, whether it has several replies, and its full method name.
[[nodiscard]] bool acts(const Request& request);
[[nodiscard]] Many answers_many(const Request& request);
[[nodiscard]] std::string method_name(const Request& request);

// Appends one complete message, with its NUL.
void append_reply(std::string& out, const Reply& reply, bool continues);
void append_error(std::string& out, const Error& error);

// A reply with a list can be written in pieces. First this: `empty` is the reply with an empty list, which is its last
// field. Then the elements with commas between them, and then `]}}` (or `]},"continues":true}`) and a NUL.
[[nodiscard]] std::string list_head(const Reply& empty);
template <typename T>
void append_element(std::string& out, const T& element) {
    JsonWriter writer(out, true);
    write_json(writer, element);
}

// A message that is one of many replies; with `continues` another one follows.
template <typename T>
void append_one_reply(std::string& out, const T& parameters, bool continues) {
    out += "{\"parameters\":";
    JsonWriter writer(out, true);
    write_json(writer, parameters);
    out += continues ? ",\"continues\":true}" : "}";
    out += '\0';
}

// The interface in Varlink's definition language, made from the field lists.
[[nodiscard]] std::string interface_description();
[[nodiscard]] std::string metrics_description(); // that of io.systemd.Metrics

// ---- the calling end ----------------------------------------------------------------------------------------------------

void append_call(std::string& out, const Request& request, bool more);

// An error reply. `known` is set if it is one of our errors.
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

// The parts of a reply message, before its parameters are read. nullopt: it is no reply.
struct RawAnswer {
    JsonDocument document;
    JsonView parameters;
    bool continues = false;
    std::string error;
};
[[nodiscard]] std::optional<RawAnswer> parse_answer(std::string_view message);
[[nodiscard]] CallFailure failure_of(const RawAnswer& answer);

// Reads a reply of type R. A message that is no reply becomes a failure with an empty name.
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
