#include "daemon/start/parked_starts.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Phase;
using core::Role;

namespace {} // namespace

const core::Command& command_of(const core::Unit& unit, Role role, std::size_t index) {
    switch (role) {
    case Role::pre_start: return unit.service.hooks->pre_start[index];
    case Role::post_start: return unit.service.hooks->post_start[index];
    case Role::reload: return unit.service.hooks->reload;
    case Role::stop: return unit.service.hooks->stop[index];
    case Role::post_stop: return unit.service.hooks->post_stop[index];
    case Role::probe: return unit.health ? unit.health->command : unit.service.command;
    case Role::none:
    case Role::main:
    case Role::connection: break;
    }
    return unit.service.command;
}

bool is_part_of_starting(Role role) {
    return role == Role::pre_start || role == Role::main || role == Role::post_start;
}

std::vector<ParkedStarts::Parked>::iterator ParkedStarts::find(const core::Effect& effect) {
    return std::ranges::find_if(parked_, [&](const Parked& one) {
        return one.effect.unit == effect.unit && one.effect.role == effect.role && one.effect.index == effect.index;
    });
}

std::optional<ParkedStarts::Files> ParkedStarts::files_for(const core::Effect& effect) {
    const core::Unit& unit = context_.unit(effect.unit);
    if (find(effect) == parked_.end()) {
        parked_.push_back({effect, unit.digest});
        ask(effect, nullptr);
    }
    auto at = find(effect);
    if (!at->files) {
        at->waits = true;
        return std::nullopt;
    }
    Parked found = std::move(*at);
    parked_.erase(at);
    if (found.waits && found.digest != unit.digest)
        return std::unexpected(NoStart::for_now("its unit file was read again meanwhile"));
    if (found.waits && is_part_of_starting(effect.role) && context_.record(effect.unit).phase != Phase::starting)
        return std::unexpected(NoStart::for_now("it was stopped meanwhile"));
    return std::move(found.files);
}

// `found`: by an earlier round of questions.
void ParkedStarts::ask(const core::Effect& effect, const StartFiles* found) {
    const core::Unit& unit = context_.unit(effect.unit);
    const bool entry = effect.role == Role::main && unit.name == entry_;
    auto questions =
        questions_for_start(unit, command_of(unit, effect.role, effect.index), entry, context_.surroundings, found);
    inquiries_.ask(std::move(questions), PathInquiries::patience_for(context_.record(effect.unit), context_.now),
                   [this, effect, before = found != nullptr ? std::optional(*found) : std::nullopt](
                       PathInquiries::Answer answers) { answered(effect, before ? &*before : nullptr, answers); });
}

void ParkedStarts::answered(const core::Effect& effect, const StartFiles* found, const PathInquiries::Answer& answers) {
    auto at = find(effect);
    if (at == parked_.end() || at->files)
        return; // the start is not wanted any more
    const core::Unit& unit = context_.unit(effect.unit);
    if (!answers) {
        at->files = std::unexpected(NoStart::for_now(answers.error()));
    } else if (at->digest != unit.digest) {
        at->files = StartFiles{}; // files_for says so
    } else if (auto said = files_for_start(unit, command_of(unit, effect.role, effect.index), *answers, found); !said) {
        at->files = std::unexpected(said.error());
    } else if (said->again) {
        ask(effect, &said->found);
        return;
    } else {
        at->files = std::move(said->found);
    }
    if (at->waits && effect.role != Role::connection)
        effects_.push(at->effect);
}

std::vector<core::Effect> ParkedStarts::take_unwanted() {
    std::vector<core::Effect> unwanted;
    std::erase_if(parked_, [&](const Parked& one) {
        const bool ends = !one.files && is_part_of_starting(one.effect.role) &&
                          context_.record(one.effect.unit).phase != Phase::starting;
        if (ends)
            unwanted.push_back(one.effect);
        return ends;
    });
    return unwanted;
}

void ParkedStarts::unit_gone(core::UnitId unit) {
    std::erase_if(parked_, [unit](const Parked& one) { return one.effect.unit == unit; });
}

} // namespace mi::daemon
