#include "daemon/start/pending_starts.hpp"

#include "os/file/open_file.hpp"

#include <algorithm>
#include <csignal>
#include <vector>

namespace mi::daemon {

namespace {
// How soon, and how rarely at last, a child is looked at that no descriptor tells of.
constexpr Span first_look = std::chrono::milliseconds(5), slowest_look = std::chrono::milliseconds(320);
} // namespace

void PendingStarts::await(pid_t pid, const core::Effect& effect, os::Start start) {
    Pending& one = pending_[pid];
    one.unit = effect.unit;
    one.role = effect.role;
    one.index = effect.index;
    one.start = std::move(start);
    one.look_in = first_look;
    if (one.start.report() >= 0) {
        auto watch = context_.kernel.watch(one.start.report(), [this, pid] { look_at(pid); });
        if (watch) {
            one.watch = std::move(*watch);
            return;
        }
    }
    one.look_at = context_.now + one.look_in;
}

void PendingStarts::look_at(pid_t pid) {
    auto at = pending_.find(pid);
    if (at == pending_.end())
        return;
    Pending& one = at->second;
    context_.now = context_.kernel.now();
    if (one.start.decide()) {
        if (!one.given_up.empty() && !one.start.fault())
            one.watch.reset(); // it was killed: its exit has the last word
        else
            conclude_one(pid);
    } else if (!one.watch) {
        one.look_in = std::min(2 * one.look_in, slowest_look);
        one.look_at = context_.now + one.look_in;
    }
}

Instant PendingStarts::next_deadline() const {
    Instant next = never;
    for (const auto& [pid, one] : pending_)
        if (!one.watch && !one.start.decided())
            next = std::min(next, one.look_at);
    return next;
}

void PendingStarts::due(Instant now) {
    std::vector<pid_t> due;
    for (const auto& [pid, one] : pending_)
        if (!one.watch && !one.start.decided() && one.look_at <= now)
            due.push_back(pid);
    for (pid_t pid : due)
        look_at(pid);
}

// It has become its program, or has failed.
void PendingStarts::conclude_one(pid_t pid) {
    auto node = pending_.extract(pid);
    Pending& one = node.mapped();
    one.watch.reset();
    const Processes::Known* known = processes_.find(pid);
    if (known == nullptr || known->unit == core::no_unit)
        return;
    processes_.mark(pid); // that it is not pending any more is to be saved
    if (one.start.fault())
        listener_.failed_on_its_way(
            {.kind = core::Effect::Kind::spawn, .unit = one.unit, .role = one.role, .index = one.index}, pid,
            *one.start.fault());
    else if (one.role != core::Role::connection)
        listener_.became_its_program(one.unit, one.role, pid);
}

void PendingStarts::conclude(core::UnitId unit) {
    std::vector<pid_t> decided;
    for (auto& [pid, one] : pending_)
        if (one.unit == unit && one.given_up.empty() && one.start.decide())
            decided.push_back(pid);
    for (pid_t pid : decided)
        conclude_one(pid);
}

void PendingStarts::give_up(core::UnitId unit) {
    conclude(unit);
    for (auto& [pid, one] : pending_) {
        if (one.unit != unit)
            continue;
        if (one.given_up.empty())
            one.given_up = one.start.where();
        (void)context_.kernel.send_signal(pid, SIGKILL); // it may have ended already, which is what we want
    }
}

bool PendingStarts::ended(pid_t pid) {
    auto at = pending_.find(pid);
    if (at == pending_.end())
        return false;
    Pending& one = at->second;
    const bool decided = one.start.decide();
    if (one.given_up.empty() || (decided && one.start.fault())) {
        const bool failed = decided && one.start.fault();
        conclude_one(pid);
        return failed;
    }
    auto node = pending_.extract(at);
    listener_.given_up_on_its_way(node.mapped().unit, node.mapped().role, pid, node.mapped().given_up);
    return true;
}

pid_t PendingStarts::pid_of(core::UnitId unit, core::Role role) const {
    for (const auto& [pid, one] : pending_)
        if (one.unit == unit && one.role == role)
            return pid;
    return 0;
}

std::pair<int, std::uint64_t> PendingStarts::report_of(pid_t pid) const {
    auto at = pending_.find(pid);
    const int fd = at == pending_.end() ? -1 : at->second.start.report();
    return {fd, os::inode_of(fd)};
}

bool PendingStarts::take_up(pid_t pid, const core::Effect& effect, int report) {
    if (report < 0)
        return false;
    await(pid, effect, os::Start(pid, Fd(report)));
    return true;
}

} // namespace mi::daemon
