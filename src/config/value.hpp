// Reads one value of a file into a member: checks its type and range. The error message says what was expected, what
// was found, and what was probably meant. keys.hpp assigns keys to members.
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

// A word in a file and its meaning.
template <typename Enum>
struct Choice {
    std::string_view word;
    Enum value;
};

// The words of each enumeration, selected by its type.
std::span<const Choice<core::ServiceType>> choices(core::ServiceType);
std::span<const Choice<core::RestartPolicy>> choices(core::RestartPolicy);
std::span<const Choice<core::LimitAction>> choices(core::LimitAction);
std::span<const Choice<core::KillMode>> choices(core::KillMode);
std::span<const Choice<core::ExitAction>> choices(core::ExitAction);
std::span<const Choice<core::ConsoleFormat>> choices(core::ConsoleFormat);
std::span<const Choice<core::NotifyAccess>> choices(core::NotifyAccess);
std::span<const Choice<core::EnvironmentSyntax>> choices(core::EnvironmentSyntax);
std::span<const Choice<core::Strictness>> choices(core::Strictness);
std::span<const Choice<core::Activation>> choices(core::Activation);
std::span<const Choice<core::HealthCheck::Action>> choices(core::HealthCheck::Action);
std::span<const Choice<core::Await::OnLoss>> choices(core::Await::OnLoss);
std::span<const Choice<core::SwitchRoot>> choices(core::SwitchRoot);
std::span<const Choice<core::BootFailure>> choices(core::BootFailure);

class Value {
public:
    // `key` is the name in messages; it must exist as long as the value.
    Value(Reading& reading, const Node& node, std::string_view key) : reading_(reading), node_(node), key_(key) {}

    [[nodiscard]] const Node& node() const { return node_; }
    [[nodiscard]] std::string_view key() const { return key_; }
    // An element of an array, or an entry of a table, with the same key in messages.
    [[nodiscard]] Value of(const Node& item) const { return {reading_, item, key_}; }

    // Reports "`key`: MESSAGE" at the value.
    void error(std::string_view message, std::string suggestion = {}) const;
    void warning(std::string_view message, std::string suggestion = {}) const;
    // The same at the key of a table entry.
    void key_error(std::string_view message, std::string suggestion = {}) const;
    // Reports "`key`: expected EXPECTED, found the integer 5".
    void expected(std::string_view expected, std::string suggestion = {}) const;

    // Each of these returns nullopt or null after reporting an error.
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
    // Numbers that may use the whole range of their type need no limits.
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

    // Reports that the value is none of `words`.
    void not_one_of(const std::vector<std::string_view>& words) const;

private:
    Reading& reading_;
    const Node& node_;
    std::string_view key_;
};

// The one of `words` that `word` probably means: with a typing error, or abbreviated.
[[nodiscard]] std::string_view likeliest(std::string_view word, const std::vector<std::string_view>& words);

// A description of a node for messages: "the integer 5", "an array".
[[nodiscard]] std::string describe(const Node& node);

// "a, b or c", each in `quotes`.
[[nodiscard]] std::string listing(const std::vector<std::string_view>& words);

} // namespace mi::config
