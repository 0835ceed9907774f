#include "core/record.hpp"

#include "base/unreachable.hpp"

#include <array>

namespace mi::core {

namespace {
constexpr std::array<std::string_view, 11> phase_names{
    "down", "waiting", "starting", "up", "reloading", "stopping", "backoff", "done", "skipped", "failed", "invalid"};
} // namespace

std::string_view name(Phase phase) { return phase_names[static_cast<std::size_t>(phase)]; }

std::string_view name(Health health) {
    constexpr std::array<std::string_view, 4> names{"none", "starting", "healthy", "unhealthy"};
    return names[static_cast<std::size_t>(health)];
}

std::string_view name(Role role) {
    switch (role) {
    case Role::none: return "none";
    case Role::pre_start: return "pre-start";
    case Role::main: return "command";
    case Role::post_start: return "post-start";
    case Role::reload: return "reload-command";
    case Role::stop: return "stop-command";
    case Role::post_stop: return "post-stop";
    case Role::connection: return "connection";
    case Role::probe: return "health probe";
    }
    unreachable("there is no other role");
}

namespace {

bool has_stage(Phase phase, Stage stage) {
    switch (stage) {
    case Stage::none: return phase != Phase::starting && phase != Phase::stopping;
    case Stage::idle: return phase == Phase::up;
    case Stage::conditions:
    case Stage::sockets:
    case Stage::pre_start:
    case Stage::main:
    case Stage::pid_file:
    case Stage::health:
    case Stage::post_start: return phase == Phase::starting;
    case Stage::stop:
    case Stage::terminate:
    case Stage::kill:
    case Stage::sweep:
    case Stage::post_stop:
    case Stage::last_sweep: return phase == Phase::stopping;
    }
    unreachable("there is no other stage");
}

} // namespace

bool fits(Phase phase, Next next) {
    switch (next) {
    case Next::as_wanted: return true;
    case Next::rest: return phase == Phase::down;
    case Next::restart: return active(phase);
    case Next::again:
        return phase == Phase::stopping || phase == Phase::down || phase == Phase::waiting || phase == Phase::backoff ||
               phase == Phase::starting;
    case Next::keep: return phase != Phase::stopping;
    }
    unreachable("nothing else is next");
}

int end_code(const Record& record) {
    const ExitStatus& exit = record.last_exit;
    const int own = exit.kind == ExitStatus::Kind::signal ? 128 + exit.number : exit.number;
    // A successful run may have ended with a code or signal that the unit calls a success.
    if (record.phase == Phase::done || record.own_end == OwnEnd::success)
        return own;
    return record.reason == Reason::exited && own != 0 ? own : 1;
}

bool possible(const Record& record) {
    return has_stage(record.phase, record.stage) && fits(record.phase, record.next) &&
           (!record.frozen || record.phase == Phase::up) &&
           (record.probe_pid == 0 || record.probe_over || record.phase == Phase::starting || record.phase == Phase::up);
}

} // namespace mi::core
