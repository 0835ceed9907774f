// The verbs after which the init runs another image of its program.
#include "ctl/verbs/verbs.hpp"

#include "base/clock.hpp"

#include <ctime>

namespace mi::ctl {

namespace {

constexpr Span patience = std::chrono::seconds(20); // for the new image to answer

} // namespace

std::expected<wire::Overview, Failure> overview_of(const Context& context) {
    const auto end = monotonic_now() + patience;
    for (;;) {
        auto overview = context.call(wire::GetOverview{});
        if (overview || overview.error().said || monotonic_now() >= end)
            return overview;
        const timespec pause{0, 20'000'000};
        ::nanosleep(&pause, nullptr);
    }
}

int reexecute(Context& context) {
    auto before = context.call(wire::GetOverview{});
    if (!before)
        return context.fail(before.error());
    // The connection ends with the old image, so there may be no answer.
    if (auto answer = context.call(wire::Reexec{}); !answer && answer.error().said)
        return context.fail(answer.error());
    auto after = overview_of(context);
    if (!after)
        return context.fail(after.error());
    if (after->reexecs == before->reexecs || after->state == wire::ManagerState::caretaker)
        return context.fail("the init was not executed anew: see its log (minictl logs)");
    return context.arguments.json ? context.print_json(*after) : done;
}

} // namespace mi::ctl
