#include "config/value.hpp"

#include "base/signals.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"

#include <algorithm>

namespace mi::config {

namespace {

// Cuts long words for messages.
std::string quoted(std::string_view text) {
    constexpr std::size_t longest = 60;
    std::string word = "\"" + std::string(text.substr(0, longest));
    return word + (text.size() > longest ? "…\"" : "\"");
}

} // namespace

std::span<const Choice<core::ServiceType>> choices(core::ServiceType) {
    using enum core::ServiceType;
    static constexpr Choice<core::ServiceType> all[] = {
        {"simple", simple}, {"oneshot", oneshot}, {"forking", forking}, {"notify", notify}, {"notify-fd", notify_fd}};
    return all;
}

std::span<const Choice<core::RestartPolicy>> choices(core::RestartPolicy) {
    using enum core::RestartPolicy;
    static constexpr Choice<core::RestartPolicy> all[] = {
        {"no", no}, {"on-failure", on_failure}, {"on-abnormal", on_abnormal}, {"always", always}};
    return all;
}

std::span<const Choice<core::LimitAction>> choices(core::LimitAction) {
    using enum core::LimitAction;
    static constexpr Choice<core::LimitAction> all[] = {
        {"fail", fail}, {"retry", retry}, {"reboot", reboot}, {"shutdown", shutdown}};
    return all;
}

std::span<const Choice<core::BootFailure>> choices(core::BootFailure) {
    using enum core::BootFailure;
    static constexpr Choice<core::BootFailure> all[] = {{"rescue", rescue}, {"reboot", reboot}, {"poweroff", poweroff}};
    return all;
}
std::span<const Choice<core::SwitchRoot>> choices(core::SwitchRoot) {
    using enum core::SwitchRoot;
    static constexpr Choice<core::SwitchRoot> all[] = {{"stop", stop}, {"keep", keep}};
    return all;
}

std::span<const Choice<core::KillMode>> choices(core::KillMode) {
    using enum core::KillMode;
    static constexpr Choice<core::KillMode> all[] = {{"group", group}, {"process", process}, {"mixed", mixed}};
    return all;
}

std::span<const Choice<core::ExitAction>> choices(core::ExitAction) {
    using enum core::ExitAction;
    static constexpr Choice<core::ExitAction> all[] = {
        {"none", none}, {"shutdown", shutdown}, {"reboot", reboot}, {"poweroff", poweroff}};
    return all;
}

std::span<const Choice<core::ConsoleFormat>> choices(core::ConsoleFormat) {
    using enum core::ConsoleFormat;
    static constexpr Choice<core::ConsoleFormat> all[] = {{"short", brief}, {"iso", iso}, {"json", json}};
    return all;
}

std::span<const Choice<core::HealthCheck::Action>> choices(core::HealthCheck::Action) {
    using enum core::HealthCheck::Action;
    static constexpr Choice<core::HealthCheck::Action> all[] = {
        {"restart", restart}, {"none", none}, {"stop", stop}, {"reboot", reboot}, {"shutdown", shutdown}};
    return all;
}

std::span<const Choice<core::Await::OnLoss>> choices(core::Await::OnLoss) {
    using enum core::Await::OnLoss;
    static constexpr Choice<core::Await::OnLoss> all[] = {{"none", none}, {"stop", stop}};
    return all;
}

std::span<const Choice<core::NotifyAccess>> choices(core::NotifyAccess) {
    using enum core::NotifyAccess;
    static constexpr Choice<core::NotifyAccess> all_words[] = {{"main", main}, {"exec", exec}, {"all", all}};
    return all_words;
}

std::span<const Choice<core::Strictness>> choices(core::Strictness) {
    using enum core::Strictness;
    static constexpr Choice<core::Strictness> all[] = {{"auto", automatic}, {"require", require}, {"try", attempt}};
    return all;
}

std::span<const Choice<core::EnvironmentSyntax>> choices(core::EnvironmentSyntax) {
    using enum core::EnvironmentSyntax;
    static constexpr Choice<core::EnvironmentSyntax> all[] = {{"shell", shell}, {"systemd", systemd}};
    return all;
}

std::span<const Choice<core::Activation>> choices(core::Activation) {
    using enum core::Activation;
    static constexpr Choice<core::Activation> all[] = {{"normal", normal}, {"on-demand", on_demand}};
    return all;
}

std::string describe(const Node& node) {
    switch (node.kind) {
    case Node::Kind::text: return "the string " + quoted(node.text);
    case Node::Kind::integer: return "the integer " + std::to_string(node.integer);
    case Node::Kind::real: return "a number with a fraction";
    case Node::Kind::boolean: return node.truth ? "the boolean true" : "the boolean false";
    case Node::Kind::date: return "a date or time";
    case Node::Kind::array: return node.items.empty() ? "an empty array" : "an array";
    case Node::Kind::table: return "a table";
    }
    unreachable("there is no other kind of node");
}

std::string listing(const std::vector<std::string_view>& words) {
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0)
            list += i + 1 == words.size() ? " or " : ", ";
        list += quoted(words[i]);
    }
    return list;
}

void Value::error(std::string_view message, std::string suggestion) const {
    reading_.error(node_.place, "`" + std::string(key_) + "`: " + std::string(message), std::move(suggestion));
}

void Value::key_error(std::string_view message, std::string suggestion) const {
    reading_.error(node_.key_place, "`" + std::string(key_) + "`: " + std::string(message), std::move(suggestion));
}

void Value::warning(std::string_view message, std::string suggestion) const {
    reading_.warning(node_.place, "`" + std::string(key_) + "`: " + std::string(message), std::move(suggestion));
}

void Value::expected(std::string_view expected, std::string suggestion) const {
    error("expected " + std::string(expected) + ", found " + describe(node_), std::move(suggestion));
}

namespace {

// Words of other inits for a word of ours. `besides`: an alternative to mention.
struct Theirs {
    std::string_view theirs, ours, besides;
};
constexpr Theirs words_of_others[] = {
    // TOML turns `restart = no` of other inits into false.
    {"false", "no", ""},
    {"true", "always", "\"on-failure\" restarts it only after a failure"},
    {"yes", "always", "\"on-failure\" restarts it only after a failure"},
    {"never", "no", ""},
    {"unless-stopped", "always", ""},
    {"respawn", "always", ""},
    {"unexpected", "on-failure", ""},
    {"on-abort", "on-abnormal", ""},
    {"on-watchdog", "on-abnormal", ""},
    {"daemon", "simple", "\"forking\" is for what goes into the background by itself"},
    {"process", "simple", ""},
    {"longrun", "simple", ""},
    {"exec", "simple", ""},
    {"idle", "simple", ""},
    {"dbus", "simple", ""},
    {"bgprocess", "forking", ""},
    {"fork", "forking", ""},
    {"scripted", "oneshot", ""},
    {"task", "oneshot", ""},
    {"notify-reload", "notify", ""},
    {"s6", "notify-fd", ""},
    {"control-group", "group", ""},
    {"cgroup", "group", ""},
    {"journal", "log", ""},
    {"syslog", "log", ""},
    {"kmsg", "log", ""},
    {"journal+console", "log", ""},
    {"/dev/null", "null", ""},
    {"/dev/stdout", "inherit", ""},
    {"/dev/stderr", "inherit", ""},
};

} // namespace

void Value::not_one_of(const std::vector<std::string_view>& words) const {
    std::string_view word = node_.kind == Node::Kind::text ? std::string_view(node_.text) : std::string_view{};
    if (node_.kind == Node::Kind::boolean)
        word = node_.truth ? "true" : "false";
    std::string suggestion;
    if (std::string_view near = likeliest(word, words); node_.kind == Node::Kind::text && !near.empty())
        suggestion = "did you mean \"" + std::string(near) + "\"?";
    for (const Theirs& each : words_of_others)
        if (each.theirs == word && std::ranges::find(words, each.ours) != words.end())
            suggestion = "did you mean \"" + std::string(each.ours) + "\"?" + (each.besides.empty() ? "" : " ") +
                         std::string(each.besides);
    if (word.starts_with('/') && std::ranges::find(words, "file:PATH") != words.end() && suggestion.empty())
        suggestion = "write \"file:" + std::string(word) + "\"";
    expected(listing(words), std::move(suggestion));
}

std::string_view likeliest(std::string_view word, const std::vector<std::string_view>& words) {
    if (std::string_view near = nearest(word, words); !near.empty())
        return near;
    for (std::string_view each : words)
        if (word.size() >= 3 && (each.starts_with(word) || word.starts_with(each)))
            return each;
    return {};
}

const std::string* Value::text(std::string_view what) const {
    if (node_.kind == Node::Kind::text)
        return &node_.text;
    bool quotable = node_.kind == Node::Kind::integer || node_.kind == Node::Kind::boolean;
    expected(what, quotable ? "write \"" + toml_text(node_) + "\"" : "");
    return nullptr;
}

std::optional<std::int64_t> Value::integer(std::int64_t low, std::int64_t high) const {
    if (node_.kind != Node::Kind::integer) {
        bool number = node_.kind == Node::Kind::text && to_number<std::int64_t>(node_.text);
        expected("an integer", number ? "write " + node_.text + " without quotes" : "");
        return std::nullopt;
    }
    if (node_.integer < low || node_.integer > high) {
        std::string range =
            high == std::numeric_limits<std::uint32_t>::max() || high == std::numeric_limits<std::int64_t>::max()
                ? "of at least " + std::to_string(low)
                : "from " + std::to_string(low) + " to " + std::to_string(high);
        expected("an integer " + range);
        return std::nullopt;
    }
    return node_.integer;
}

std::optional<bool> Value::boolean() const {
    if (node_.kind == Node::Kind::boolean)
        return node_.truth;
    std::string suggestion;
    if (node_.kind == Node::Kind::text) {
        for (std::string_view yes : {"true", "yes", "on", "1"})
            suggestion = node_.text == yes ? "write true" : suggestion;
        for (std::string_view no : {"false", "no", "off", "0"})
            suggestion = node_.text == no ? "write false" : suggestion;
    }
    expected("true or false", suggestion);
    return std::nullopt;
}

std::optional<std::uint64_t> Value::size() const {
    if (node_.kind == Node::Kind::integer && node_.integer >= 0)
        return static_cast<std::uint64_t>(node_.integer);
    if (node_.kind == Node::Kind::text)
        if (std::optional<std::uint64_t> size = parse_size(node_.text))
            return size;
    std::string suggestion;
    if (node_.kind == Node::Kind::text && !node_.text.empty()) {
        // People write 64KB, 64k and 64 K.
        std::size_t digits = std::min(node_.text.find_first_not_of("0123456789"), node_.text.size());
        std::string_view rest = trim(std::string_view(node_.text).substr(digits));
        std::size_t power = rest.empty() ? std::string_view::npos : std::string_view("KMGTkmgt").find(rest.front());
        if (digits > 0 && digits < 15 && power != std::string_view::npos && rest.size() <= 3)
            suggestion = "write \"" + node_.text.substr(0, digits) + "KMGT"[power % 4] + "\"";
    }
    expected("a size such as \"64K\" or \"10M\"", suggestion);
    return std::nullopt;
}

std::optional<std::uint32_t> Value::mode() const {
    if (node_.kind == Node::Kind::text)
        if (std::optional<std::uint32_t> mode = parse_mode(node_.text))
            return mode;
    constexpr std::string_view what = "an octal mode such as \"0644\"";
    bool digits = node_.kind == Node::Kind::integer && parse_mode(std::to_string(node_.integer));
    expected(what, digits ? "write \"0" + std::to_string(node_.integer) + "\"" : "");
    return std::nullopt;
}

std::optional<std::string> Value::path() const {
    const std::string* path = text("an absolute path");
    if (path == nullptr)
        return std::nullopt;
    if (!path->starts_with('/') || path->size() >= 4096) {
        expected("an absolute path");
        return std::nullopt;
    }
    return *path;
}

std::optional<int> Value::signal() const {
    if (node_.kind == Node::Kind::integer && node_.integer >= 1 && node_.integer <= last_signal)
        return static_cast<int>(node_.integer);
    if (node_.kind == Node::Kind::text)
        if (std::optional<int> number = signal_number(node_.text))
            return number;
    std::string suggestion;
    if (node_.kind == Node::Kind::text) {
        std::vector<std::string> names;
        for (int number = 1; number < 32; ++number)
            names.push_back(signal_name(number));
        std::string_view near = nearest(node_.text, {names.begin(), names.end()});
        suggestion = near.empty() ? "" : "did you mean \"" + std::string(near) + "\"?";
    }
    expected("a signal such as \"SIGTERM\"", suggestion);
    return std::nullopt;
}

const std::vector<Node>* Value::array(std::string_view what) const {
    if (node_.kind == Node::Kind::array)
        return &node_.items;
    expected(what, node_.kind == Node::Kind::text ? "write [" + toml_text(node_) + "]" : "");
    return nullptr;
}

std::optional<core::Command> Value::command() const {
    core::Command words;
    if (node_.kind == Node::Kind::text) {
        auto split = split_command(node_.text);
        if (!split) {
            error(std::string(split.error()) + " in " + describe(node_));
            return std::nullopt;
        }
        words = std::move(*split);
    } else if (node_.kind == Node::Kind::array) {
        for (const Node& item : node_.items) {
            const std::string* word = of(item).text();
            if (word == nullptr)
                return std::nullopt;
            words.push_back(*word);
        }
    } else {
        expected("a command: an array of strings, or one string");
        return std::nullopt;
    }
    if (words.empty() || words.front().empty()) {
        error("the command is empty");
        return std::nullopt;
    }
    const std::string program(core::program_of(words)); // without the '+' of a command that nothing confines
    if (program.front() == '-') {
        error("\"" + program + "\" cannot be a program");
        return std::nullopt;
    }
    if (program.front() != '/' && program.find('/') != std::string::npos) {
        error("\"" + program + "\" is relative: give an absolute path, or a bare name to be looked up in PATH");
        return std::nullopt;
    }
    return words;
}

void Value::into(std::string& member) const {
    if (const std::string* word = text())
        member = *word;
}

void Value::into(bool& member) const {
    if (std::optional<bool> truth = boolean())
        member = *truth;
}

void Value::into(Span& member) const {
    if (node_.kind == Node::Kind::text) {
        if (std::optional<Span> span = parse_duration(node_.text)) {
            member = *span;
            return;
        }
    }
    std::string suggestion;
    if (node_.kind == Node::Kind::integer && node_.integer >= 0)
        suggestion = "write \"" + std::to_string(node_.integer) + "s\"";
    else if (std::string meant = duration_meant(node_.text); !meant.empty())
        suggestion = "write \"" + meant + "\"";
    else if (node_.text == "infinity" || node_.text == "never" || node_.text == "none" || node_.text == "unlimited")
        suggestion = "where there may be no bound, that is \"0\"";
    expected("a duration such as \"500ms\", \"10s\" or \"1h30min\"", suggestion);
}

void Value::into(std::vector<std::string>& member) const {
    const std::vector<Node>* items = array("an array of strings");
    if (items == nullptr)
        return;
    member.clear();
    member.reserve(items->size());
    for (const Node& item : *items)
        if (const std::string* word = of(item).text())
            member.push_back(*word);
}

void Value::into(std::vector<core::Command>& member) const {
    std::span<const Node> items(&node_, 1); // a single string is one command
    if (node_.kind == Node::Kind::array)
        items = node_.items;
    member.clear();
    for (const Node& item : items) {
        if (&item != items.data() && item.kind == Node::Kind::text && item.text.starts_with('-')) {
            error("this is a list of commands, and \"" + item.text + "\" cannot be one",
                  "one command of several words is [[\"…\", \"…\"]]");
            return;
        }
        if (std::optional<core::Command> command = of(item).command())
            member.push_back(std::move(*command));
    }
}

} // namespace mi::config
