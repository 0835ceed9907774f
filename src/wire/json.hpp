// JSON for structs that name their fields: writes into a string, and reads from a parsed document. Only json.cpp sees
// the parser (Boost.JSON); messages.hpp defines the messages.
#pragma once

#include "wire/enums.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mi::wire {

// ---- kinds of fields ----------------------------------------------------------------------------------------------------

template <typename T>
constexpr bool is_optional = false;
template <typename T>
constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
constexpr bool is_vector = false;
template <typename T>
constexpr bool is_vector<std::vector<T>> = true;
// A struct that names its fields.
template <typename T>
concept Fielded = requires(T& value) { T::fields(value, [](std::string_view, auto&) {}); };

// JSON that was made elsewhere, for a member that is of no one type; it is only written. `json_type` is what the interface
// description says of it.
struct RawJson {
    static constexpr std::string_view json_type = "object";
    std::string text = "null";
};
struct RawMap {
    static constexpr std::string_view json_type = "[string]object";
    std::string text = "{}";
};
template <typename T>
concept Raw = requires { T::json_type; };

// ---- writing ------------------------------------------------------------------------------------------------------------

// Appends JSON (RFC 8259) to a string. Bytes that are not UTF-8 become U+FFFD, so that the result is always valid;
// characters that are not printable are escaped, so that it is safe to show on a terminal (base/printable.hpp).
class JsonWriter {
public:
    // `nulls`: write an absent optional as null (so that the schema never varies) instead of leaving it out.
    JsonWriter(std::string& out, bool nulls) : out_(out), nulls_(nulls) {}
    [[nodiscard]] bool nulls() const { return nulls_; }
    void open(char bracket);
    void close(char bracket);
    // Writes the name of the next member, or the comma before the next element.
    void key(std::string_view name);
    void element();
    void text(std::string_view value);
    void number(std::int64_t value);
    void boolean(bool value);
    void null();
    void raw(std::string_view json) { out_ += json; }

private:
    std::string& out_;
    bool nulls_;
    bool first_ = true; // the innermost bracket is still empty
};

template <typename T>
void write_json(JsonWriter& writer, const T& value) {
    if constexpr (is_optional<T>) {
        if (value)
            write_json(writer, *value);
        else
            writer.null();
    } else if constexpr (is_vector<T>) {
        writer.open('[');
        for (const auto& one : value) {
            writer.element();
            write_json(writer, one);
        }
        writer.close(']');
    } else if constexpr (std::is_enum_v<T>) {
        writer.text(word(value));
    } else if constexpr (std::same_as<T, bool>) {
        writer.boolean(value);
    } else if constexpr (std::integral<T>) {
        static_assert(sizeof(T) < 8 || std::is_signed_v<T>, "JSON numbers are signed here");
        writer.number(static_cast<std::int64_t>(value));
    } else if constexpr (Raw<T>) {
        writer.raw(value.text);
    } else if constexpr (Fielded<T>) {
        writer.open('{');
        T::fields(value, [&writer](std::string_view name, const auto& member) {
            if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>)
                if (!member && !writer.nulls())
                    return;
            writer.key(name);
            write_json(writer, member);
        });
        writer.close('}');
    } else {
        writer.text(value);
    }
}

// The value as JSON text, absent optionals included: the output of `--json`.
template <typename T>
[[nodiscard]] std::string json_of(const T& value) {
    std::string out;
    JsonWriter writer(out, true);
    write_json(writer, value);
    return out;
}

// ---- reading ------------------------------------------------------------------------------------------------------------

// One value inside a JsonDocument, or none. Valid as long as the document exists.
class JsonView {
public:
    enum class Kind : std::uint8_t { missing, null, boolean, number, text, array, object, other };
    JsonView() = default;
    [[nodiscard]] Kind kind() const;
    // The caller must check kind() first.
    [[nodiscard]] bool boolean() const;
    [[nodiscard]] std::int64_t number() const;
    [[nodiscard]] std::string_view text() const;
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] JsonView at(std::size_t index) const;
    // Missing if this is no object or has no such member.
    [[nodiscard]] JsonView member(std::string_view name) const;
    // The names of its members; none if this is no object.
    [[nodiscard]] std::vector<std::string> names() const;

private:
    friend class JsonDocument;
    explicit JsonView(const void* node) : node_(node) {}
    const void* node_ = nullptr; // a boost::json::value
};

// A parsed text. The nesting is limited to 16 levels.
class JsonDocument {
public:
    // nullopt if the whole of `text` is not one JSON value.
    [[nodiscard]] static std::optional<JsonDocument> parse(std::string_view text);
    [[nodiscard]] JsonView root() const;
    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

private:
    struct State;
    explicit JsonDocument(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Reads `view` into `value`. Ignores unknown members. `strict`: every member must be present unless it is optional or a
// bool; otherwise a missing one keeps its default. If a value has the wrong type or is out of range, returns the name
// of the (outermost) member; empty: success.
template <typename T>
[[nodiscard]] std::string_view read_json(JsonView view, T& value, bool strict, std::string_view name = "parameters") {
    using Kind = JsonView::Kind;
    const Kind kind = view.kind();
    if constexpr (is_optional<T>) {
        value.reset();
        if (kind == Kind::missing || kind == Kind::null)
            return {};
        return read_json(view, value.emplace(), strict, name);
    } else if constexpr (is_vector<T>) {
        if (kind != Kind::array)
            return name;
        value.clear();
        value.resize(view.size());
        for (std::size_t i = 0; i < value.size(); ++i)
            if (std::string_view wrong = read_json(view.at(i), value[i], strict, name); !wrong.empty())
                return wrong;
        return {};
    } else if constexpr (std::is_enum_v<T>) {
        // A word of a later version is no reason to refuse a reply.
        return kind == Kind::text && (from_word(view.text(), value) || !strict) ? std::string_view{} : name;
    } else if constexpr (std::same_as<T, bool>) {
        if (kind != Kind::boolean)
            return name;
        value = view.boolean();
        return {};
    } else if constexpr (std::integral<T>) {
        if (kind != Kind::number || !std::in_range<T>(view.number()))
            return name;
        value = static_cast<T>(view.number());
        return {};
    } else if constexpr (Fielded<T>) {
        if (kind != Kind::object)
            return name;
        std::string_view wrong;
        T::fields(value, [&](std::string_view field, auto& member) {
            using Member = std::remove_cvref_t<decltype(member)>;
            if (!wrong.empty())
                return;
            JsonView found = view.member(field);
            if (found.kind() == Kind::missing || found.kind() == Kind::null) {
                if (strict && !is_optional<Member> && !std::same_as<Member, bool>)
                    wrong = field;
                return;
            }
            wrong = read_json(found, member, strict, field);
        });
        return wrong;
    } else {
        if (kind != Kind::text)
            return name;
        value = view.text();
        return {};
    }
}

} // namespace mi::wire
