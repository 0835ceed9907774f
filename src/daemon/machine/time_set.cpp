#include "daemon/machine/time_set.hpp"

#include "base/clock.hpp"
#include "daemon/machine/machine.hpp"
#include "os/file/runtime.hpp"
#include "wire/log_format.hpp"

namespace mi::daemon {

void TimeSet::open() {
    if (!context_.place.system() || look())
        return;
    auto steps = os::WallAlarm::make();
    if (!steps || !steps->set(std::nullopt))
        return;
    steps_ = std::move(*steps);
    watch_ = context_.watch(steps_->fd(), [this] {
        steps_->take();
        (void)steps_->set(std::nullopt); // ECANCELED: it was set again, and we look after that
        if (over_ || !look())
            return;
        over_ = true; // a callback does not take its own watch away
        context_.say(Priority::notice, "the clock is set: " + wire::logs::stamp_of(wall_now()));
    });
    if (look()) // between the first look and the alarm
        over_ = true;
}

bool TimeSet::look() {
    if (!clock_is_believable())
        return false;
    if (auto written = os::store_file(context_.place.run_directory, "time-set", "set\n"); !written)
        context_.say(Priority::warning, written.error().text());
    return true;
}

} // namespace mi::daemon
