// The control protocol against any bytes: cut into messages, parsed, validated, encoded again and, as records of the snapshot,
// decoded. Two properties besides not crashing: what is accepted is encoded to something that is accepted, with the same
// meaning; and framing does not depend on the pieces in which the bytes come.
#include "state/record_image.hpp"
#include "wire/codec.hpp"
#include "wire/varlink.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace mi;

namespace {

void demand(bool holds) {
    if (!holds)
        std::abort();
}

std::string without_nul(std::string message) {
    demand(!message.empty() && message.back() == '\0');
    message.pop_back();
    demand(message.find('\0') == std::string::npos);
    return message;
}

// A request accepted once is accepted again, and says the same.
void try_call(std::string_view message) {
    auto call = wire::parse_call(message);
    if (!call) {
        if (call.error().error) {
            std::string out;
            wire::append_error(out, *call.error().error);
            auto back = wire::read_answer<wire::Nothing>(without_nul(out));
            demand(!back && back.error().known.has_value());
        }
        return;
    }
    if (!call->request) {
        demand(wire::read_answer<wire::Nothing>(without_nul(call->answer)).has_value());
        return;
    }
    std::string once, twice;
    wire::append_call(once, *call->request, call->more);
    auto again = wire::parse_call(without_nul(once));
    demand(again.has_value() && again->request.has_value());
    wire::append_call(twice, *again->request, again->more);
    demand(once == twice);
}

template <typename R>
void try_answer(std::string_view message) {
    auto answer = wire::read_answer<R>(message);
    if (!answer)
        return;
    std::string once, twice;
    wire::append_reply(once, answer->value, answer->continues);
    auto again = wire::read_answer<R>(without_nul(once));
    demand(again.has_value());
    wire::append_reply(twice, again->value, again->continues);
    demand(once == twice);
}

void try_record(std::string_view bytes) {
    state::RecordImage record, back;
    if (!wire::decode(bytes, record))
        return;
    std::string encoded;
    wire::encode(encoded, record);
    demand(wire::decode(encoded, back) && back == record);
}

std::vector<std::string> cut(std::string_view bytes, std::size_t piece) {
    wire::Framer framer(4096);
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        if (!framer.append(bytes.substr(at, piece)))
            break;
        while (auto message = framer.next())
            messages.emplace_back(*message);
    }
    return messages;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string> messages = cut(bytes, 4096);
    // Byte by byte the same messages, as long as none is too long: that is noticed earlier in small pieces.
    if (size < 4096)
        demand(cut(bytes, 1) == messages && cut(bytes, 7) == messages);
    for (const std::string& message : messages) {
        try_call(message);
        try_answer<wire::Units>(message);
        try_answer<wire::Progress>(message);
        try_answer<wire::EventReply>(message);
        try_answer<wire::Branches>(message);
    }
    try_record(bytes);
    return 0;
}
