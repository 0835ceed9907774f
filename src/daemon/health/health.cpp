#include "daemon/health/health.hpp"

#include "core/explain.hpp"
#include "daemon/health/probe_launch.hpp"
#include "daemon/process/resources.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>
#include <vector>

namespace mi::daemon {

using core::Event;
using core::HealthCheck;
using core::Role;

namespace {
constexpr Span patience = std::chrono::milliseconds(500); // for the last words of a probe
} // namespace

void Health::perform(const core::Effect& effect) {
    const core::UnitId id = effect.unit;
    const core::Record& record = context_.record(id);
    const bool healthy = record.health == core::Health::healthy;
    if (healthy)
        context_.log(id, Priority::info, "it is healthy");
    else
        context_.log(id, Priority::warning, "it is unhealthy: " + core::probe_report(context_.unit(id), record));
    if (context_.observer != nullptr)
        context_.observer->health_changed(id);
}

void Health::end_probe(core::UnitId id) {
    const std::string& name = context_.name(id);
    std::vector<pid_t> probes;
    for (const auto& [pid, known] : processes_.known())
        if (known.unit == id && known.role == Role::probe)
            probes.push_back(pid);
    if (probes.empty())
        return;
    if (os::Cgroups* tree = processes_.cgroups(); tree != nullptr)
        if (!tree->end_nested(name, probe_cgroup)) // of a delegated one beside what was delegated
            (void)tree->end_nested(name, std::string(beside_delegated) + "/" + probe_cgroup);
    if (processes_.uses_session(id)) {
        const std::array<os::Membership, 1> of_probe{os::Membership{.invocation_id = {}, .sessions = probes}};
        if (auto members = context_.kernel.find_members(of_probe))
            for (pid_t pid : members->front())
                (void)context_.kernel.send_signal(pid, SIGKILL);
    }
    for (pid_t pid : probes) {
        if (!context_.kernel.signal_group(pid, SIGKILL)) // it may not have come so far as to lead one
            (void)context_.kernel.send_signal(pid, SIGKILL);
    }
}

void Health::probe_ended(core::UnitId id, pid_t pid, const core::ExitStatus& exit, StreamId stream) {
    const Ended ended{id, pid, exit, context_.now + patience};
    const core::Record& record = context_.record(id);
    const bool counts = record.probe_pid == pid && !record.probe_over && exit != core::ExitStatus::code(0);
    std::string line;
    if (auto at = std::ranges::find(lines_, id, &Line::unit); at != lines_.end()) {
        line = std::move(at->text);
        lines_.erase(at);
    }
    if (!counts || !line.empty() || !context_.logs.has_last_words(stream))
        return tell(ended, line);
    ended_.push_back(ended);
}

// What one of our own says is all there is to say; of another program its exit belongs to it.
void Health::tell(const Ended& ended, const std::string& line) {
    context_.apply(
        {.kind = Event::Kind::exited, .unit = ended.unit, .role = Role::probe, .pid = ended.pid, .exit = ended.exit});
    if (line.empty() || ended.exit == core::ExitStatus::code(0))
        return;
    const core::Unit& unit = context_.unit(ended.unit);
    const bool own = unit.health && unit.health->probe != HealthCheck::Probe::command;
    context_.apply({.kind = Event::Kind::probe_words,
                    .unit = ended.unit,
                    .detail = own ? line : core::text(ended.exit) + ": " + line});
}

void Health::said(const std::string& name, bool of_probe, const std::string& text) {
    const core::UnitId id = context_.graph().find(name);
    if (id == core::no_unit)
        return;
    context_.now = context_.kernel.now();
    if (!of_probe)
        return line_came(id, name);
    if (auto at = std::ranges::find(ended_, id, &Ended::unit); at != ended_.end()) {
        const Ended ended = *at;
        ended_.erase(at);
        tell(ended, text);
    } else if (context_.record(id).probe_pid > 0 && !context_.record(id).probe_over) {
        std::erase_if(lines_, [id](const Line& line) { return line.unit == id; });
        lines_.push_back({id, text}); // its end is yet to be heard of
    }
}

void Health::line_came(core::UnitId id, const std::string& name) {
    context_.apply({.kind = Event::Kind::line_matched, .unit = id});
    std::vector<StreamId> others; // one is enough
    for (const auto& [stream, each] : context_.logs.streams().all())
        if (each.unit == name && !each.expected.empty())
            others.push_back(stream);
    for (StreamId stream : others)
        context_.logs.expect(stream, {});
}

void Health::unit_gone(core::UnitId unit) {
    std::erase_if(ended_, [unit](const Ended& ended) { return ended.unit == unit; });
    std::erase_if(lines_, [unit](const Line& line) { return line.unit == unit; });
}

// In the order in which they ended.
Instant Health::next_deadline() const { return ended_.empty() ? never : ended_.front().until; }

// The log collector does not tell.
void Health::due(Instant now) {
    while (!ended_.empty() && ended_.front().until <= now) {
        const Ended ended = ended_.front();
        ended_.erase(ended_.begin());
        tell(ended, {});
    }
}

} // namespace mi::daemon
