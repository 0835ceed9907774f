// The functions that read the value of each key into its member: a template for plain words, numbers, sizes and times,
// and a function for each of the others. The rows in keys.cpp name them.
#pragma once

#include "config/value.hpp"
#include "core/unit.hpp"

#include <limits>

namespace mi::config::read {

constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();

inline core::Service& part(core::Unit& unit, core::Service*) { return unit.service; }
inline core::Unit& part(core::Unit& unit, core::Unit*) { return unit; }
inline core::Listen& part(core::Unit& unit, core::Listen*) { return unit.listen.back(); }
core::Process& part(core::Unit& unit, core::Process*);
core::Confinement& part(core::Unit& unit, core::Confinement*);
CallRestrictions& part(core::Unit& unit, CallRestrictions*);
core::Cgroup& part(core::Unit& unit, core::Cgroup*);
calendar::Timer& part(core::Unit& unit, calendar::Timer*);
core::LogSettings& part(core::Unit& unit, core::LogSettings*);
core::Hooks& part(core::Unit& unit, core::Hooks*);
core::HealthCheck& part(core::Unit& unit, core::HealthCheck*);
core::Await& part(core::Unit& unit, core::Await*);

template <typename Member>
struct Owner;
template <typename Part, typename Type>
struct Owner<Type Part::*> {
    using type = Part;
};

// The member `Member`, in the part of the unit that contains it (made if needed).
template <auto Member>
auto& member(core::Unit& unit) {
    using Part = typename Owner<decltype(Member)>::type;
    return part(unit, static_cast<Part*>(nullptr)).*Member;
}

// Any type that Value::into can read.
template <auto Member>
void plain(const Value& value, core::Unit& unit) {
    value.into(member<Member>(unit));
}
template <auto Member>
void boolean(const Value& value, core::Unit& unit) {
    if (auto flag = value.boolean())
        member<Member>(unit) = *flag;
}
template <auto Member, std::int64_t Low, std::int64_t High>
void number(const Value& value, core::Unit& unit) {
    value.into(member<Member>(unit), Low, High);
}
template <auto Member>
void size(const Value& value, core::Unit& unit) {
    if (auto size = value.size())
        member<Member>(unit) = size;
}
// A size, or "unlimited".
template <auto Member>
void bound(const Value& value, core::Unit& unit) {
    if (value.node().kind == Node::Kind::text && value.node().text == "unlimited")
        member<Member>(unit) = ~std::uint64_t{0};
    else
        size<Member>(value, unit);
}
template <auto Member>
void mode(const Value& value, core::Unit& unit) {
    if (auto mode = value.mode())
        member<Member>(unit) = mode;
}
template <auto Member>
void path(const Value& value, core::Unit& unit) {
    if (auto path = value.path())
        member<Member>(unit) = std::move(*path);
}
template <auto Member>
void signal(const Value& value, core::Unit& unit) {
    if (auto signal = value.signal())
        member<Member>(unit) = *signal;
}
template <auto Member>
void duration(const Value& value, core::Unit& unit) {
    Span span{0};
    value.into(span);
    member<Member>(unit) = span;
}

// A user or group: a name, or a number with or without quotes.
void account_into(const Value& value, std::string& member);
template <auto Member>
void account(const Value& value, core::Unit& unit) {
    account_into(value, member<Member>(unit));
}
// An array of absolute paths, each of which may begin with '-'.
void guarded_paths_into(const Value& value, std::vector<core::GuardedPath>& member);
template <auto Member>
void guarded_paths(const Value& value, core::Unit& unit) {
    guarded_paths_into(value, member<Member>(unit));
}
// The number of the capability that `word` names; nullopt, after reporting the error at `value`, if there is none.
std::optional<int> capability_of(const Value& value, std::string_view word);
// A string, or an array of them.
void words_into(const Value& value, std::vector<std::string>& member);
template <auto Member>
void words(const Value& value, core::Unit& unit) {
    words_into(value, member<Member>(unit));
}

void relation_into(const Value& value, core::Unit& unit, core::Relation relation);
template <core::Relation Kind>
void relation(const Value& value, core::Unit& unit) {
    relation_into(value, unit, Kind);
}
void condition_into(const Value& value, core::Unit& unit, core::Condition::Kind kind);
template <core::Condition::Kind Kind>
void condition(const Value& value, core::Unit& unit) {
    condition_into(value, unit, Kind);
}

void await_into(const Value& value, core::Unit& unit, core::Awaited::Kind kind);
template <core::Awaited::Kind Kind>
void await(const Value& value, core::Unit& unit) {
    await_into(value, unit, Kind);
}

// Functions named after their keys.
void aliases(const Value& value, core::Unit& unit);
void command(const Value& value, core::Unit& unit);
void script(const Value& value, core::Unit& unit);
void reload_command(const Value& value, core::Unit& unit);
void reload_signal(const Value& value, core::Unit& unit);
void success_exit(const Value& value, core::Unit& unit);
void restart_prevent_exit(const Value& value, core::Unit& unit);
void restart_force_exit(const Value& value, core::Unit& unit);
void watchdog(const Value& value, core::Unit& unit);

void supplementary_groups(const Value& value, core::Unit& unit);
void environment(const Value& value, core::Unit& unit);
void environment_files(const Value& value, core::Unit& unit);
void unset_environment(const Value& value, core::Unit& unit);
void environment_from(const Value& value, core::Unit& unit);
void credentials(const Value& value, core::Unit& unit);
void pass_environment(const Value& value, core::Unit& unit);
void limits(const Value& value, core::Unit& unit);
void standard_input(const Value& value, core::Unit& unit);
void standard_output(const Value& value, core::Unit& unit);
void standard_error(const Value& value, core::Unit& unit);
void tty(const Value& value, core::Unit& unit);

void capabilities_into(const Value& value, std::optional<CapabilitySet>& member);
template <auto Member>
void capabilities(const Value& value, core::Unit& unit) {
    capabilities_into(value, member<Member>(unit));
}
void system_call_filter(const Value& value, core::Unit& unit);
void system_call_error(const Value& value, core::Unit& unit);
void address_families(const Value& value, core::Unit& unit);
void namespaces(const Value& value, core::Unit& unit);
void cpu_affinity(const Value& value, core::Unit& unit);
void scheduling(const Value& value, core::Unit& unit);
void io_priority(const Value& value, core::Unit& unit);
void protect_system(const Value& value, core::Unit& unit);
void protect_proc(const Value& value, core::Unit& unit);
void proc_subset(const Value& value, core::Unit& unit);
void working_directory(const Value& value, core::Unit& unit);
// An array of SOURCE or SOURCE:PATH, each of which may begin with '-'.
void bound_paths_into(const Value& value, std::vector<core::BoundPath>& member);
template <auto Member>
void bound_paths(const Value& value, core::Unit& unit) {
    bound_paths_into(value, member<Member>(unit));
}
void own_directory(const Value& value, core::Unit& unit, core::OwnDirectory::Kind kind);
template <core::OwnDirectory::Kind Kind>
void directory(const Value& value, core::Unit& unit) {
    own_directory(value, unit, Kind);
}

void cpu_max(const Value& value, core::Unit& unit);
void address(const Value& value, core::Unit& unit, core::Listen::Kind kind);
template <core::Listen::Kind Kind>
void listen(const Value& value, core::Unit& unit) {
    address(value, unit, Kind);
}
void calendar(const Value& value, core::Unit& unit);
void health_command(const Value& value, core::Unit& unit);
void health_http(const Value& value, core::Unit& unit);
void health_tcp(const Value& value, core::Unit& unit);
void health_unix(const Value& value, core::Unit& unit);
void health_log_line(const Value& value, core::Unit& unit);
void health_interval(const Value& value, core::Unit& unit);
void health_timeout(const Value& value, core::Unit& unit);
void health_start_interval(const Value& value, core::Unit& unit);
// The command of a probe that is our own, once all of the table is known.
void complete_probe(core::HealthCheck& check);
void log_level(const Value& value, core::Unit& unit);
void log_rate_limit(const Value& value, core::Unit& unit);

// The same kinds of values for miniinit.toml.
template <auto Member>
void manager(const Value& value, core::ManagerSettings& settings) {
    value.into(settings.*Member);
}
template <auto Member, std::int64_t Low, std::int64_t High>
void manager_number(const Value& value, core::ManagerSettings& settings) {
    value.into(settings.*Member, Low, High);
}
template <auto Member>
void manager_size(const Value& value, core::ManagerSettings& settings) {
    if (auto size = value.size())
        settings.*Member = *size;
}
template <auto Member>
void manager_command(const Value& value, core::ManagerSettings& settings) {
    (settings.*Member).clear();
    if (!is_empty(value.node()))
        if (auto words = value.command())
            settings.*Member = std::move(*words);
}
void manager_end(const Value& value, core::ManagerSettings& settings);
void read_button(const Value& value, std::string& wish);
template <auto member>
void manager_button(const Value& value, core::ManagerSettings& settings) {
    read_button(value, settings.*member);
}
void manager_systemd_units(const Value& value, core::ManagerSettings& settings);
void manager_log_level(const Value& value, core::ManagerSettings& settings);
void manager_keep_level(const Value& value, core::ManagerSettings& settings);
void manager_console_level(const Value& value, core::ManagerSettings& settings);
void manager_rate_limit(const Value& value, core::ManagerSettings& settings);
void manager_path(const Value& value, core::ManagerSettings& settings);
void manager_environment(const Value& value, core::ManagerSettings& settings);
void manager_pass_environment(const Value& value, core::ManagerSettings& settings);
void manager_limits(const Value& value, core::ManagerSettings& settings);
void manager_language(const Value& value, core::ManagerSettings& settings);
void manager_shutdown_timeout(const Value& value, core::ManagerSettings& settings);
void manager_unit_name(const Value& value, core::ManagerSettings& settings);
void manager_socket(const Value& value, core::ManagerSettings& settings);
void manager_forward(const Value& value, core::ManagerSettings& settings);
void manager_control_group(const Value& value, core::ManagerSettings& settings);

} // namespace mi::config::read
