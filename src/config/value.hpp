// One value of a file on its way into a member: the type is checked, the range is checked, and where it does not fit
// the message says what was expected, what was found, and what was probably meant. Which member a key goes to is
// keys.hpp's.
#pragma once

#include "config/document.hpp"
#include "config/syntax.hpp"
#include "core/unit.hpp"

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

// A word of a file and what it stands for.
template <typename Enum>
struct Choice {
    std::string_view word;
    Enum value;
};

// The words of each enumeration, found by its type.
std::span<const Choice<core::ServiceType>> choices(core::ServiceType);
std::span<const Choice<core::RestartPolicy>> choices(core::RestartPolicy);
std::span<const Choice<core::LimitAction>> choices(core::LimitAction);
std::span<const Choice<core::KillMode>> choices(core::KillMode);
std::span<const Choice<core::ExitAction>> choices(core::ExitAction);
std::span<const Choice<core::NotifyAccess>> choices(core::NotifyAccess);
std::span<const Choice<core::Activation>> choices(core::Activation);
std::span<const Choice<core::HealthCheck::Action>> choices(core::HealthCheck::Action);
std::span<const Choice<core::SwitchRoot>> choices(core::SwitchRoot);

class Value {
public:
    // `key` is how messages call it; it has to outlive the value.
    Value(Reading& reading, const Node& node, std::string_view key) : reading_(reading), node_(node), key_(key) {}

    [[nodiscard]] const Node& node() const { return node_; }
    [[nodiscard]] std::string_view key() const { return key_; }
    // An element of an array, or an entry of a table, under the same key.
    [[nodiscard]] Value of(const Node& item) const { return {reading_, item, key_}; }

    // "`key`: MESSAGE", at the value.
    void error(std::string_view message, std::string suggestion = {}) const;
    void warning(std::string_view message, std::string suggestion = {}) const;
    // The same, at the key of an entry of a table.
    void key_error(std::string_view message, std::string suggestion = {}) const;
    // "`key`: expected EXPECTED, found the integer 5".
    void expected(std::string_view expected, std::string suggestion = {}) const;

    // Each of these gives nothing after it has reported what is wrong.
    [[nodiscard]] const std::string* text(std::string_view what = "a string") const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::int64_t low, std::int64_t high) const;
    [[nodiscard]] std::optional<bool> boolean() const;
    [[nodiscard]] std::optional<std::uint64_t> size() const;
    [[nodiscard]] std::optional<std::uint32_t> mode() const;
    [[nodiscard]] std::optional<std::string> path() const; // absolute
    [[nodiscard]] std::optional<int> signal() const;
    [[nodiscard]] std::optional<core::Command> command() const; // a string or an array of strings
    [[nodiscard]] const std::vector<Node>* array(std::string_view what) const;

    void into(std::string& member) const;
    void into(bool& member) const;
    void into(Span& member) const;
    void into(std::vector<std::string>& member) const; // an array of strings
    void into(std::vector<core::Command>& member) const;
    template <typename Enum>
        requires std::is_enum_v<Enum>
    void into(Enum& member) const {
        std::vector<std::string_view> words;
        for (const Choice<Enum>& choice : choices(Enum{})) {
            if (node_.kind == Node::Kind::text && choice.word == node_.text) {
                member = choice.value;
                return;
            }
            words.push_back(choice.word);
        }
        not_one_of(words);
    }
    // Numbers that have their whole type as range need none.
    template <std::integral Number>
    void into(Number& member, std::int64_t low, std::int64_t high) const {
        if (auto number = integer(low, high))
            member = static_cast<Number>(*number);
    }
    template <typename Number>
    void into(std::optional<Number>& member, std::int64_t low, std::int64_t high) const {
        if (auto number = integer(low, high))
            member = static_cast<Number>(*number);
    }

    // Reports that it is none of `words`.
    void not_one_of(const std::vector<std::string_view>& words) const;

private:
    Reading& reading_;
    const Node& node_;
    std::string_view key_;
};

// The one of `words` that `word` was probably meant to be: a slip of the pen away, or the rest of it left out.
[[nodiscard]] std::string_view likeliest(std::string_view word, const std::vector<std::string_view>& words);

// What a node is, for messages: "the integer 5", "an array".
[[nodiscard]] std::string describe(const Node& node);

// "a, b or c", each in `quotes`.
[[nodiscard]] std::string listing(const std::vector<std::string_view>& words);

} // namespace mi::config
