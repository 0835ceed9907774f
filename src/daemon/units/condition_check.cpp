#include "daemon/units/condition_check.hpp"

namespace mi::daemon {

using core::Event;

// The answer may come in a later turn: then it is for the start that asked, and for none that came after it.
void ConditionCheck::check(core::UnitId id) {
    const core::Record& record = context_.record(id);
    inquiries_.ask(questions_of(context_.unit(id).conditions), PathInquiries::patience_for(record, context_.now),
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
    auto missing = unmet(context_.unit(id).conditions, circumstances_, *answers);
    context_.apply({.kind = missing ? Event::Kind::condition_unmet : Event::Kind::conditions_met,
                    .unit = id,
                    .detail = missing.value_or("")});
}

} // namespace mi::daemon
