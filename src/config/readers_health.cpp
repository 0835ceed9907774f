// The values of [health]: what is asked, and how often.
#include "config/readers.hpp"

#include "base/check_url.hpp"
#include "base/join.hpp"
#include "base/regex.hpp"

namespace mi::config::read {

using core::HealthCheck;
using Probe = HealthCheck::Probe;

core::HealthCheck& part(core::Unit& unit, core::HealthCheck*) {
    if (!unit.health)
        unit.health = std::make_unique<HealthCheck>();
    return *unit.health;
}

namespace {

constexpr Span shortest = std::chrono::milliseconds(10);
constexpr std::size_t longest_pattern = 1000; // bytes

HealthCheck& health_of(core::Unit& unit) { return part(unit, static_cast<HealthCheck*>(nullptr)); }

void at_least_shortest(const Value& value, Span& member) {
    Span span = member;
    value.into(span);
    if (span < shortest)
        return value.error("probes nearer than 10ms to each other would do nothing but cost", "write \"10ms\" or more");
    member = span;
}

// An address, as parse_check_url takes it: `scheme` and what was written.
void address_into(const Value& value, core::Unit& unit, Probe probe, const std::string& scheme) {
    const std::string* text = value.text("an address");
    if (text == nullptr || text->empty())
        return;
    const bool has_scheme = text->starts_with("tcp://") || text->starts_with("unix:");
    auto url = parse_check_url((has_scheme ? "" : scheme) + *text);
    if (!url)
        return value.error(url.error().what, url.error().cure);
    const bool is_http = url->kind == CheckUrl::Kind::http || url->kind == CheckUrl::Kind::unix_http;
    if (is_http != (probe == Probe::http) || (probe == Probe::tcp) != (url->kind == CheckUrl::Kind::tcp))
        return value.error("this is an address of another kind", "the keys `http`, `tcp` and `unix` have one each");
    HealthCheck& check = health_of(unit);
    check.probe = probe;
    check.subject = has_scheme ? text->substr(text->find(':') + (probe == Probe::tcp ? 3 : 1)) : *text;
}

} // namespace

void health_command(const Value& value, core::Unit& unit) {
    auto command = value.command();
    if (!command)
        return;
    HealthCheck& check = health_of(unit);
    check.probe = Probe::command;
    check.subject = join(*command, " ");
    check.command = std::move(*command);
}

void health_http(const Value& value, core::Unit& unit) { address_into(value, unit, Probe::http, ""); }
void health_tcp(const Value& value, core::Unit& unit) { address_into(value, unit, Probe::tcp, "tcp://"); }
void health_unix(const Value& value, core::Unit& unit) { address_into(value, unit, Probe::unix_socket, "unix:"); }

// POSIX extended, as the log collector matches it.
void health_log_line(const Value& value, core::Unit& unit) {
    const std::string* text = value.text("a regular expression");
    if (text == nullptr || text->empty())
        return;
    if (text->size() > longest_pattern)
        return value.error("a regular expression of more than 1000 bytes", "match a shorter part of the line");
    if (auto compiled = Regex::compile(*text); !compiled)
        return value.error(
            "\"" + *text + "\" is no regular expression: " + compiled.error(),
            "it is a POSIX extended one (regex(7)); a backslash before ( [ { . * + ? takes them as they are");
    HealthCheck& check = health_of(unit);
    check.probe = Probe::log_line;
    check.subject = *text;
}

void health_interval(const Value& value, core::Unit& unit) { at_least_shortest(value, health_of(unit).interval); }
void health_start_interval(const Value& value, core::Unit& unit) {
    at_least_shortest(value, health_of(unit).start_interval);
}
void health_timeout(const Value& value, core::Unit& unit) { at_least_shortest(value, health_of(unit).timeout); }

void complete_probe(core::HealthCheck& check) {
    const char* scheme = "";
    switch (check.probe) {
    case Probe::none:
    case Probe::command:
    case Probe::log_line: return;
    case Probe::http: break;
    case Probe::tcp: scheme = "tcp://"; break;
    case Probe::unix_socket: scheme = "unix:"; break;
    }
    // Absolute, so that it is not looked for: it is this program itself that is run.
    check.command = {"/sbin/minictl",       "check", "--quiet", "--timeout", duration_text(check.timeout),
                     scheme + check.subject};
}

} // namespace mi::config::read
