// A start whose environment files or program lie on a file system that may hang waits for the answer, parked, while everything
// else goes on. On record it is what it was: a process that is to be made, which the next program asks for again.
#include "daemon/start_files.hpp"
#include "daemon/supervisor.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

namespace {

bool is_part_of_starting(Role role) {
    return role == Role::pre_start || role == Role::main || role == Role::post_start;
}

} // namespace

std::vector<Supervisor::Parked>::iterator Supervisor::parked(core::UnitId id, Role role, std::uint8_t index) {
    return std::ranges::find_if(parked_, [&](const Parked& one) {
        return one.effect.unit == id && one.effect.role == role && one.effect.index == index;
    });
}

// What was found for this start, or why it fails; nothing: that is not known yet, and the effect comes again when it is (a
// connection's does not: its socket is served again).
std::optional<Supervisor::FoundFiles> Supervisor::files_for(const core::Effect& effect) {
    const core::Unit& unit = engine_->graph().unit(effect.unit);
    if (parked(effect.unit, effect.role, effect.index) == parked_.end()) {
        parked_.push_back({effect, unit.digest});
        ask_for_files(effect, nullptr);
    }
    auto at = parked(effect.unit, effect.role, effect.index);
    if (!at->files) {
        at->waits = true;
        return std::nullopt;
    }
    Parked found = std::move(*at);
    parked_.erase(at);
    if (found.waits && found.digest != unit.digest)
        return std::unexpected("cannot start: its unit file was read again meanwhile");
    if (found.waits && is_part_of_starting(effect.role) && engine_->record(effect.unit).phase != Phase::starting)
        return std::unexpected("cannot start: it was stopped meanwhile");
    return std::move(found.files);
}

// `found`: by an earlier round.
void Supervisor::ask_for_files(const core::Effect& effect, const StartFiles* found) {
    const core::Unit& unit = engine_->graph().unit(effect.unit);
    const bool entry = effect.role == Role::main && unit.name == entry_;
    auto questions =
        questions_for_start(unit, command_of(unit, effect.role, effect.index), entry, surroundings_, found);
    inquiries_.ask(std::move(questions), patience_for(engine_->record(effect.unit)),
                   [this, name = unit.name, role = effect.role, index = effect.index,
                    before = found != nullptr ? std::optional(*found) : std::nullopt](PathInquiries::Answer answers) {
                       files_answered(name, role, index, before ? &*before : nullptr, std::move(answers));
                   });
}

void Supervisor::files_answered(const std::string& name, Role role, std::uint8_t index, const StartFiles* found,
                                const PathInquiries::Answer& answers) {
    const core::UnitId id = engine_->graph().find(name);
    auto at = parked(id, role, index);
    if (at == parked_.end() || at->files)
        return; // nobody wants to know any more
    const core::Unit& unit = engine_->graph().unit(id);
    const core::Effect effect = at->effect;
    if (!answers) {
        at->files = std::unexpected("cannot start: " + answers.error());
    } else if (at->digest != unit.digest) {
        at->files = StartFiles{}; // files_for says so
    } else if (auto said = files_for_start(unit, command_of(unit, role, index), *answers, found); !said) {
        at->files = std::unexpected(said.error());
    } else if (said->again) {
        ask_for_files(effect, &said->found);
        return;
    } else {
        at->files = std::move(said->found);
    }
    if (at->waits && role != Role::connection)
        effects_.push_back(effect);
}

// Of those that are not to start any more the engine hears that they did not. True: there was one.
bool Supervisor::drop_unwanted_starts() {
    std::vector<core::Effect> dropped;
    auto drop = [&](const core::Effect& effect) {
        const bool wanted = !is_part_of_starting(effect.role) || engine_->record(effect.unit).phase == Phase::starting;
        if (!wanted)
            dropped.push_back(effect);
        return !wanted;
    };
    std::erase_if(parked_, [&](const Parked& one) { return !one.files && drop(one.effect); });
    std::erase_if(postponed_, drop);
    for (const core::Effect& effect : dropped)
        engine_->apply({.kind = Event::Kind::spawn_failed,
                        .unit = effect.unit,
                        .role = effect.role,
                        .detail = "cannot start: it was stopped meanwhile"},
                       now_);
    return !dropped.empty();
}

} // namespace mi::daemon
