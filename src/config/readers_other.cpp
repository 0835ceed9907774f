// Reads the values of [cgroup], [[listen]], [timer], [log] and miniinit.toml that are more than a word or a number.
#include "config/readers.hpp"

#include "base/text.hpp"
#include "calendar/timer.hpp"
#include "core/machine_end.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace mi::config::read {

core::Cgroup& part(core::Unit& unit, core::Cgroup*) {
    if (!unit.cgroup)
        unit.cgroup = std::make_unique<core::Cgroup>();
    return *unit.cgroup;
}

calendar::Timer& part(core::Unit& unit, calendar::Timer*) {
    if (!unit.timer)
        unit.timer = std::make_unique<calendar::Timer>();
    return *unit.timer;
}

core::LogSettings& part(core::Unit& unit, core::LogSettings*) {
    if (!unit.log)
        unit.log = std::make_unique<core::LogSettings>();
    return *unit.log;
}

void cpu_max(const Value& value, core::Unit& unit) {
    const Node& node = value.node();
    std::optional<std::uint32_t> percent;
    if (node.kind == Node::Kind::text)
        percent = parse_percent(node.text);
    if (!percent || *percent == 0 || *percent > 1'000'000)
        return value.expected("a percentage such as \"150%\"", node.kind == Node::Kind::integer
                                                                   ? "write \"" + std::to_string(node.integer) + "%\""
                                                                   : "");
    part(unit, static_cast<core::Cgroup*>(nullptr)).cpu_max_percent = percent;
}

namespace {

// Checks `HOST:PORT` or `[V6]:PORT`. PID 1 looks up no names, so HOST is a number, `*` or `localhost`.
bool is_host_and_port(std::string_view address, bool numeric_only) {
    std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos)
        return false;
    std::string host(address.substr(0, colon));
    std::optional<std::uint16_t> port = to_number<std::uint16_t>(address.substr(colon + 1));
    if (!port || *port == 0 || host.empty())
        return false;
    unsigned char parsed[16];
    if (host.front() == '[' && host.back() == ']')
        return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), parsed) == 1;
    if (!numeric_only)
        return host.size() < 256 && host.find_first_of(" /[]:@") == std::string::npos;
    return host == "*" || host == "localhost" || ::inet_pton(AF_INET, host.c_str(), parsed) == 1;
}

// Whether the path is in a directory of the init itself, which has its sockets there.
bool is_reserved(std::string_view path) {
    for (std::string_view own : {"/run/miniinit", "/run/log/miniinit", "/var/lib/miniinit", "/var/log/miniinit"})
        if (path.starts_with(own) && (path.size() == own.size() || path[own.size()] == '/'))
            return true;
    return false;
}

} // namespace

void address(const Value& value, core::Unit& unit, core::Listen::Kind kind) {
    constexpr std::size_t longest = 107; // bytes: sun_path without its NUL (unix(7))
    core::Listen& listen = unit.listen.back();
    const std::string* text = value.text("an address");
    if (text == nullptr)
        return;
    if (!listen.address.empty())
        return value.error("one entry of [[listen]] has one address", "write a second [[listen]]");
    listen.kind = kind;
    listen.address = *text;
    if (is_reserved(*text))
        return value.error("\"" + *text + "\" is in a directory of the init's own");
    bool path = text->starts_with('/'), abstract = text->starts_with('@') && text->size() > 1;
    if (kind == core::Listen::Kind::fifo) {
        if (!path)
            value.expected("an absolute path");
        return;
    }
    if ((path || abstract) && text->size() > longest)
        return value.error("the address is longer than 107 bytes");
    if (path || abstract)
        return;
    if (kind == core::Listen::Kind::sequential_packet)
        return value.expected("/path or @name");
    if (!is_host_and_port(*text, true))
        value.expected("HOST:PORT, [V6]:PORT, /path or @name, with a numeric HOST, * or localhost",
                       to_number<std::uint16_t>(*text) ? "write \"*:" + *text + "\"" : "");
}

void calendar(const Value& value, core::Unit& unit) {
    std::vector<calendar::Calendar>& calendar = part(unit, static_cast<calendar::Timer*>(nullptr)).calendar;
    std::span<const Node> items(&value.node(), 1);
    if (value.node().kind == Node::Kind::array)
        items = value.node().items;
    calendar.clear();
    for (const Node& item : items) {
        const Value one = value.of(item);
        const std::string* text = one.text("a calendar expression, such as \"Mon..Fri 04:00\" or \"daily\"");
        if (text == nullptr)
            continue;
        if (auto parsed = calendar::parse_calendar(*text))
            calendar.push_back(std::move(*parsed));
        else
            one.error("\"" + *text + "\" is no calendar expression: " + parsed.error().message,
                      std::move(parsed.error().suggestion));
    }
}

namespace {

// `besides`: other allowed words, to name in the error message.
std::optional<std::uint8_t> level_of(const Value& value, std::initializer_list<std::string_view> besides = {}) {
    std::vector<std::string_view> words{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
    const std::string* word = value.text("a word");
    if (word == nullptr)
        return std::nullopt;
    const auto at = std::find(words.begin(), words.end(), *word);
    if (at == words.end()) {
        words.insert(words.begin(), besides);
        value.not_one_of(words);
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(at - words.begin());
}

// LINES (per second), or "LINES/DURATION".
std::optional<core::RateLimit> rate_of(const Value& value) {
    constexpr std::int64_t most = 1'000'000'000;
    core::RateLimit rate;
    if (value.node().kind != Node::Kind::text) {
        value.into(rate.lines, 0, most);
        return rate;
    }
    const std::string& text = value.node().text;
    const std::size_t slash = text.find('/');
    const char* const end = text.data() + std::min(slash, text.size());
    const auto read = std::from_chars(text.data(), end, rate.lines);
    const bool number = read.ec == std::errc{} && read.ptr == end && rate.lines <= most;
    const auto span = slash == text.npos ? std::chrono::seconds(1) : parse_duration(text.substr(slash + 1));
    const std::int64_t seconds = span ? *span / std::chrono::seconds(1) : 0;
    if (!number || seconds < 1 || seconds > most || *span != std::chrono::seconds(seconds)) {
        value.expected("lines a second, or \"LINES/DURATION\" with a duration of whole seconds, such as \"1000/30s\"");
        return std::nullopt;
    }
    rate.seconds = static_cast<std::uint32_t>(seconds);
    return rate;
}

} // namespace

void log_rate_limit(const Value& value, core::Unit& unit) {
    if (auto rate = rate_of(value))
        member<&core::LogSettings::rate_limit>(unit) = *rate;
}

void manager_rate_limit(const Value& value, core::ManagerSettings& settings) {
    if (auto rate = rate_of(value))
        settings.rate_limit = *rate;
}

void manager_console_level(const Value& value, core::ManagerSettings& settings) {
    settings.console_level_said = true;
    if (value.node().kind == Node::Kind::text && value.node().text == "off")
        settings.console_level.reset();
    else if (auto level = level_of(value, {"off"}))
        settings.console_level = level;
}

void log_level(const Value& value, core::Unit& unit) {
    if (auto level = level_of(value))
        member<&core::LogSettings::level>(unit) = level;
}

void manager_keep_level(const Value& value, core::ManagerSettings& settings) {
    if (auto level = level_of(value))
        settings.log_keep_level = *level;
}

void manager_end(const Value& value, core::ManagerSettings& settings) {
    const std::string* word = value.text("a word");
    if (word == nullptr)
        return;
    if (!core::parse_machine_end(*word))
        return value.error("\"" + *word + "\" is not " + std::string(core::machine_ends));
    settings.end = *word;
}

void manager_log_level(const Value& value, core::ManagerSettings& settings) {
    const std::string* word = value.text("a word");
    if (word == nullptr)
        return;
    if (*word != "error" && *word != "warning" && *word != "info" && *word != "debug")
        return value.not_one_of({"error", "warning", "info", "debug"});
    settings.log_level = *word;
}

void manager_path(const Value& value, core::ManagerSettings& settings) {
    const std::string* path = value.text();
    if (path == nullptr)
        return;
    for (std::string_view directory : split(*path, ':'))
        if (!directory.starts_with('/'))
            return value.error("\"" + std::string(directory) + "\" is no absolute path");
    settings.path = *path;
    settings.path_said = true;
}

void manager_shutdown_timeout(const Value& value, core::ManagerSettings& settings) {
    value.into(settings.shutdown_timeout);
    settings.shutdown_timeout_said = true;
}

void manager_systemd_units(const Value& value, core::ManagerSettings& settings) {
    if (const std::optional<bool> wanted = value.boolean())
        settings.systemd_units = wanted;
}

void manager_language(const Value& value, core::ManagerSettings& settings) {
    if (const std::string* language = value.text())
        settings.language = *language;
}

namespace {

// Stores a unit's name in `into`, after checking that it is one.
void unit_name_into(const Value& value, std::string& into) {
    const std::string* name = value.text("the name of a unit");
    if (name == nullptr)
        return;
    if (std::string_view wrong = name_fault(*name); !wrong.empty())
        return value.error("\"" + *name + "\" is no unit name: " + std::string(wrong));
    if (name->ends_with('@'))
        return value.error("\"" + *name + "\" is a template", "name an instance of it: \"" + *name + "NAME\"");
    into = *name;
}

} // namespace

void manager_unit_name(const Value& value, core::ManagerSettings& settings) {
    unit_name_into(value, settings.default_target);
}

// The other words of the key ("poweroff", "reboot", ...) have the form of a unit's name, too, and so are accepted.
void read_button(const Value& value, std::string& wish) { unit_name_into(value, wish); }

void manager_control_group(const Value& value, core::ManagerSettings& settings) {
    account_into(value, settings.control_group);
}

void manager_socket(const Value& value, core::ManagerSettings& settings) {
    if (auto path = value.path())
        settings.syslog_socket = std::move(*path);
}

void manager_forward(const Value& value, core::ManagerSettings& settings) {
    constexpr std::size_t most_servers = 4;
    std::span<const Node> items(&value.node(), 1);
    if (value.node().kind == Node::Kind::array)
        items = value.node().items;
    settings.forward.clear();
    for (const Node& item : items) {
        const Value one = value.of(item);
        const std::string* address = one.text("an address");
        if (address == nullptr)
            continue;
        bool known = address->starts_with("udp://") || address->starts_with("tcp://");
        if (!known || !is_host_and_port(std::string_view(*address).substr(6), false))
            one.expected("udp://HOST:PORT or tcp://HOST:PORT");
        else if (settings.forward.size() == most_servers)
            one.error("more than 4 servers");
        else
            settings.forward.push_back(*address);
    }
}

} // namespace mi::config::read
