#include "daemon/units/condition_check.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Event;

// The answer may come in a later turn: then it is for the start that asked, and for none that came after it.
void ConditionCheck::check(core::UnitId id) {
    const core::Record& record = context_.record(id);
    inquiries_.ask(questions_of(context_.unit(id).conditions, context_.settings.path),
                   PathInquiries::patience_for(record, context_.now),
                   [this, id, digest = context_.unit(id).digest, start = record.since](PathInquiries::Answer answers) {
                       if (context_.graph().contains(id) && context_.record(id).since == start)
                           answered(id, digest, answers);
                   });
}

void ConditionCheck::answered(core::UnitId id, std::uint64_t digest, const PathInquiries::Answer& answers) {
    context_.now = context_.kernel.now();
    if (!answers)
        return context_.apply({.kind = Event::Kind::conditions_unknown,
                               .unit = id,
                               .detail = "cannot look whether its conditions hold: " + answers.error()});
    if (context_.unit(id).digest != digest) // its file was read again meanwhile
        return check(id);
    const core::Condition* missing = unmet(context_.unit(id).conditions, circumstances_, *answers);
    if (missing != nullptr && missing->kind == core::Condition::Kind::program && !missing->negated)
        tell_of_program(id, missing->argument);
    context_.apply({.kind = missing != nullptr ? Event::Kind::condition_unmet : Event::Kind::conditions_met,
                    .unit = id,
                    .detail = missing != nullptr ? words_of(*missing) : ""});
}

// A unit that the machine is set up by lacks nothing but its program: people at the console should know it.
void ConditionCheck::tell_of_program(core::UnitId id, const std::string& program) {
    const core::UnitId setup = context_.graph().find("sysinit");
    const bool sets_up = std::ranges::any_of(context_.graph().needed_by(id), [setup](const core::Edge& edge) {
        return edge.unit == setup &&
               (edge.relation == core::Relation::want || edge.relation == core::Relation::requirement);
    });
    if (sets_up && told_.insert(id).second)
        context_.say(Priority::warning, context_.name(id) + " is skipped: there is no program " + program + " in " +
                                            context_.settings.path);
}

} // namespace mi::daemon
