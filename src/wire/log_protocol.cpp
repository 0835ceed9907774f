// Encodes and decodes the messages. Layout: one byte for the message kind (log_numbers.hpp), then its fields in order;
// new fields are added at the end. Numbers are little-endian with a fixed width, a text is a 16-bit length and its
// bytes, a list is a 16-bit count and its elements.
#include "wire/log_protocol.hpp"

#include "wire/log_numbers.hpp"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <type_traits>

namespace mi::wire::logs {
namespace {

class Writer {
public:
    explicit Writer(std::uint8_t kind) { number(kind); }
    template <std::integral Number>
    void number(Number value) {
        auto bits = static_cast<std::make_unsigned_t<Number>>(value);
        for (std::size_t i = 0; i < sizeof bits; ++i)
            bytes_ += static_cast<char>(static_cast<std::uint64_t>(bits) >> (8 * i));
    }
    void text(std::string_view value, [[maybe_unused]] std::size_t most) {
        assert(value.size() <= most);
        number(static_cast<std::uint16_t>(value.size()));
        bytes_ += value;
    }
    void streams(const std::vector<StreamId>& ids) {
        assert(ids.size() <= most_streams);
        number(static_cast<std::uint16_t>(ids.size()));
        for (StreamId id : ids)
            number(id);
    }
    void limits(const Limits& limits) {
        number(limits.rotate_size);
        number(limits.rotate_keep);
        number(static_cast<std::uint8_t>(limits.compress ? 1 : 0));
        number(limits.rotate_age);
        number(limits.rate_limit);
        number(limits.rate_seconds);
        number(number_of(limits.level));
    }
    std::string take() {
        assert(bytes_.size() <= longest_message);
        return std::move(bytes_);
    }

private:
    std::string bytes_;
};

// Reads fields. After the first invalid one all further fields are empty, and `whole` returns false.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    template <std::integral Number>
    Number number() {
        if (rest_.size() < sizeof(Number)) {
            spoil();
            return 0;
        }
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
        rest_.remove_prefix(sizeof(Number));
        return static_cast<Number>(bits);
    }
    std::string text(std::size_t most) {
        std::size_t size = count(most);
        if (rest_.size() < size)
            spoil();
        std::string value(rest_.substr(0, std::min(size, rest_.size())));
        rest_.remove_prefix(value.size());
        return value;
    }
    std::size_t count(std::size_t most) {
        std::size_t value = number<std::uint16_t>();
        if (value > most) {
            spoil();
            return 0;
        }
        return value;
    }
    std::vector<StreamId> streams() {
        std::vector<StreamId> ids(count(most_streams));
        for (StreamId& id : ids)
            id = number<StreamId>();
        return ids;
    }
    Limits limits() {
        Limits limits;
        limits.rotate_size = number<std::uint64_t>();
        limits.rotate_keep = number<std::uint32_t>();
        limits.compress = flag();
        limits.rotate_age = number<std::uint32_t>();
        limits.rate_limit = number<std::uint32_t>();
        limits.rate_seconds = number<std::uint32_t>();
        if (limits.rate_seconds == 0)
            spoil();
        limits.level = priority();
        return limits;
    }
    Priority priority() {
        const auto value = number<std::uint8_t>();
        const auto known = enumerator_of<Priority>(value);
        if (known == unknown<Priority>)
            spoil(); // syslog(3) has only these eight
        return known;
    }
    bool flag() {
        auto value = number<std::uint8_t>();
        if (value > 1)
            spoil();
        return value == 1;
    }
    void spoil() {
        good_ = false;
        rest_ = {};
    }
    // Further bytes are fields of a later version.
    [[nodiscard]] bool whole() const { return good_; }
    [[nodiscard]] bool has_more() const { return !rest_.empty(); }

private:
    std::string_view rest_;
    bool good_ = true;
};

void write(Writer& to, const Configure& message) {
    assert(message.directories.size() <= most_directories);
    to.number(static_cast<std::uint16_t>(message.directories.size()));
    for (const std::string& directory : message.directories)
        to.text(directory, longest_path);
    to.limits(message.limits);
    to.text(message.cgroups, longest_path);
    assert(message.forward.size() <= most_servers);
    to.number(static_cast<std::uint16_t>(message.forward.size()));
    for (const std::string& server : message.forward)
        to.text(server, longest_server);
    to.number(message.forward_queue);
    to.number(message.total_size);
    to.text(message.console, longest_path);
    to.number(number_of(message.console_level));
    to.number(number_of(message.console_format));
    to.number(static_cast<std::uint8_t>(message.console_colour));
}
void read(Reader& from, Configure& message) {
    message.directories.resize(from.count(most_directories));
    for (std::string& directory : message.directories)
        directory = from.text(longest_path);
    message.limits = from.limits();
    message.cgroups = from.text(longest_path);
    message.forward.resize(from.count(most_servers));
    for (std::string& server : message.forward)
        server = from.text(longest_server);
    message.forward_queue = from.number<std::uint64_t>();
    message.total_size = from.number<std::uint64_t>();
    message.console = from.text(longest_path);
    message.console_level = from.priority();
    if (from.has_more()) { // an earlier version has no such field
        message.console_format = enumerator_of<ConsoleFormat>(from.number<std::uint8_t>());
        if (message.console_format == unknown<ConsoleFormat>)
            message.console_format = Numbers<ConsoleFormat>::fallback;
        message.console_colour = from.flag();
    }
}

void write(Writer& to, const Attach& message) {
    assert(message.streams.size() <= most_attachments);
    to.number(static_cast<std::uint16_t>(message.streams.size()));
    for (const Attachment& one : message.streams) {
        to.number(one.stream);
        to.number(number_of(one.source));
        to.text(one.unit, longest_unit);
        to.limits(one.limits);
        to.number(one.leader);
        to.number(static_cast<std::uint8_t>(one.forward));
        to.number(one.cgroup);
    }
}
void read(Reader& from, Attach& message) {
    message.streams.resize(from.count(most_attachments));
    for (Attachment& one : message.streams) {
        one.stream = from.number<StreamId>();
        one.source = enumerator_of<Source>(from.number<std::uint8_t>());
        if (one.stream == 0)
            from.spoil();
        one.unit = from.text(longest_unit);
        one.limits = from.limits();
        one.leader = from.number<std::int32_t>();
        one.forward = from.flag();
        one.cgroup = from.number<std::uint64_t>();
    }
}

void write(Writer& to, const Flush& message) {
    to.number(message.token);
    to.streams(message.streams);
}
void read(Reader& from, Flush& message) {
    message.token = from.number<std::uint64_t>();
    message.streams = from.streams();
}

void write(Writer&, const TryStorage&) {}
void read(Reader&, TryStorage&) {}
void write(Writer&, const Finish&) {}
void read(Reader&, Finish&) {}

void write(Writer& to, const Ping& message) { to.number(message.number); }
void read(Reader& from, Ping& message) { message.number = from.number<std::uint32_t>(); }

void write(Writer& to, const Expect& message) {
    to.number(message.stream);
    to.text(message.pattern, longest_pattern);
}
void read(Reader& from, Expect& message) {
    message.stream = from.number<StreamId>();
    message.pattern = from.text(longest_pattern);
}
void write(Writer& to, const Said& message) {
    to.number(message.stream);
    to.text(message.text, longest_said);
}
void read(Reader& from, Said& message) {
    message.stream = from.number<StreamId>();
    message.text = from.text(longest_said);
}
void write(Writer& to, const Pong& message) { to.number(message.number); }
void read(Reader& from, Pong& message) { message.number = from.number<std::uint32_t>(); }
void write(Writer&, const Hello&) {}
void read(Reader&, Hello&) {}
void write(Writer& to, const Ended& message) { to.streams(message.streams); }
void read(Reader& from, Ended& message) { message.streams = from.streams(); }
void write(Writer& to, const Refused& message) { to.streams(message.streams); }
void read(Reader& from, Refused& message) { message.streams = from.streams(); }
void write(Writer& to, const Flushed& message) { to.number(message.token); }
void read(Reader& from, Flushed& message) { message.token = from.number<std::uint64_t>(); }

void write(Writer& to, const StorageIs& message) {
    to.number(message.directory);
    to.text(message.path, longest_path);
}
void read(Reader& from, StorageIs& message) {
    message.directory = from.number<std::int32_t>();
    message.path = from.text(longest_path);
}

void write(Writer& to, const Dropped& message) {
    to.text(message.unit, longest_unit);
    to.number(message.lines);
    to.number(message.code);
    to.number(static_cast<std::uint8_t>(message.over));
}
void read(Reader& from, Dropped& message) {
    message.unit = from.text(longest_unit);
    message.lines = from.number<std::uint64_t>();
    message.code = from.number<std::int32_t>();
    message.over = from.flag();
}

void write(Writer& to, const Counts& message) {
    assert(message.units.size() <= most_counts);
    to.number(static_cast<std::uint16_t>(message.units.size()));
    for (const Count& one : message.units) {
        to.text(one.unit, longest_unit);
        to.number(one.lines);
        to.number(one.lost);
    }
}
void read(Reader& from, Counts& message) {
    message.units.resize(from.count(most_counts));
    for (Count& one : message.units) {
        one.unit = from.text(longest_unit);
        one.lines = from.number<std::uint64_t>();
        one.lost = from.number<std::uint64_t>();
    }
}

void write(Writer& to, const Trouble& message) { to.text(message.text, longest_path); }
void read(Reader& from, Trouble& message) { message.text = from.text(longest_path); }

template <typename Message>
std::string encode_any(const Message& message) {
    return std::visit(
        [](const auto& one) {
            Writer to(message_number<std::remove_cvref_t<decltype(one)>>);
            write(to, one);
            return to.take();
        },
        message);
}

// Whether all messages of one direction have different numbers.
template <typename... Messages>
consteval bool distinct(std::type_identity<std::variant<Messages...>>) {
    const std::uint8_t numbers[] = {message_number<Messages>...};
    for (std::size_t i = 0; i < sizeof numbers; ++i)
        for (std::size_t other = 0; other < i; ++other)
            if (numbers[i] == numbers[other])
                return false;
    return true;
}
static_assert(distinct(std::type_identity<ToCollector>{}) && distinct(std::type_identity<FromCollector>{}));

// Reads the alternative of the variant `Message` with the number `wanted`.
template <typename Message, std::size_t index = 0>
bool read_kind(std::uint8_t wanted, Reader& from, Message& message) {
    if constexpr (index < std::variant_size_v<Message>) {
        if (wanted != message_number<std::variant_alternative_t<index, Message>>)
            return read_kind<Message, index + 1>(wanted, from, message);
        read(from, message.template emplace<index>());
        return true;
    }
    return false;
}

template <typename Message>
Result<Message> decode_any(std::string_view bytes) {
    if (bytes.empty() || bytes.size() > longest_message)
        return fault(0, "log message of impossible size");
    Reader from(bytes);
    Message message;
    const auto kind = from.number<std::uint8_t>();
    if (!read_kind(kind, from, message))
        return fault(0, "passed over a log message of a later version", "kind " + std::to_string(kind));
    if (!from.whole())
        return fault(0, "log message cut short or malformed");
    return message;
}

} // namespace

std::string encode(const ToCollector& message) { return encode_any(message); }
std::string encode(const FromCollector& message) { return encode_any(message); }
Result<ToCollector> decode_to_collector(std::string_view bytes) { return decode_any<ToCollector>(bytes); }
Result<FromCollector> decode_from_collector(std::string_view bytes) { return decode_any<FromCollector>(bytes); }

// A framed line is `<N>UNIT US TEXT LF`; US is the control character U+001F, which a unit name cannot contain.
namespace {
constexpr char separator = '\x1f';
}

std::vector<std::string> init_lines(std::string_view unit, Priority priority, std::string_view text, bool shown) {
    std::string head{'<', static_cast<char>('0' + static_cast<int>(priority))};
    head += shown ? "+>" : ">";
    head += unit.substr(0, std::min(longest_unit, unit.find_first_of("\x1f\n")));
    head += separator;
    std::size_t room = longest_init_write - head.size() - 1;
    std::vector<std::string> lines;
    do {
        std::size_t end = std::min(text.find('\n'), text.size());
        std::size_t taken = std::min(end, room);
        lines.push_back(head + std::string(text.substr(0, taken)) + '\n');
        text.remove_prefix(std::min(taken == end ? end + 1 : taken, text.size()));
    } while (!text.empty());
    return lines;
}

InitLine parse_init_line(std::string_view line) {
    const std::size_t at = line.substr(0, longest_unit + 5).find(separator);
    const bool shown = line.size() > 3 && line[2] == '+';
    const std::size_t name = shown ? 4 : 3;
    if (line.size() <= name || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[name - 1] != '>' ||
        at == line.npos || at < name)
        return {{}, Priority::info, line, false};
    return {line.substr(name, at - name), static_cast<Priority>(line[1] - '0'), line.substr(at + 1), shown};
}

} // namespace mi::wire::logs
