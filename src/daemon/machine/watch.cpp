// What looks after a machine from outside of it, and what is known of its last end: the hardware's watchdog, which restarts
// a machine whose PID 1 hangs, and the report that the shutdown before this boot has left.
#include "base/text.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/supervisor.hpp"
#include "os/mounts.hpp"
#include "os/runtime.hpp"

#include <unistd.h>

#include <cerrno>

namespace mi::daemon {

// --- the watchdog -----------------------------------------------------------------------------------------------------

std::string Supervisor::watchdog_words() const {
    if (!watchdog_)
        return {};
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watchdog_.timeout());
    return watchdog_.identity() + ", " + std::to_string(seconds.count()) + " s";
}

// Brings it to what the settings say. Its driver may be loaded by a unit: until the target is reached, that there is no
// such device means nothing.
void Supervisor::mind_watchdog() {
    if (!context_.place.system() || context_.settings.watchdog == watchdog_asked_)
        return;
    if (watchdog_ && context_.settings.watchdog == Span{0}) {
        if (auto off = watchdog_.disarm(); !off)
            context_.say(Priority::warning, off.error().text());
        context_.say(Priority::info, "the hardware watchdog is off");
        watchdog_ = {};
        pet_at_ = never;
    } else if (watchdog_) {
        watchdog_.set(context_.settings.watchdog);
        context_.say(Priority::info, "hardware watchdog: " + watchdog_words());
        pet_at_ = context_.now;
    } else {
        auto opened = os::Watchdog::open(context_.settings.watchdog);
        if (!opened && opened.error().code == ENOENT && target_reached_ == Instant{})
            return;
        if (opened) {
            watchdog_ = std::move(*opened);
            context_.say(Priority::info, "hardware watchdog: " + watchdog_words());
            if (watchdog_.has_restarted())
                context_.say(Priority::warning, "it was the hardware watchdog that restarted this machine");
            pet_at_ = context_.now;
        } else {
            context_.say(Priority::warning, opened.error().text() + "; no hardware watches over this machine");
        }
    }
    watchdog_asked_ = context_.settings.watchdog;
}

void Supervisor::pet_watchdog() {
    if (auto petted = watchdog_.pet(); !petted) {
        context_.say(Priority::err, petted.error().text());
        pet_at_ = never;
        return;
    }
    pet_at_ = context_.now + watchdog_.timeout() / 2;
}

// --- the last shutdown ------------------------------------------------------------------------------------------------

// Shows what the shutdown before this boot left in the way, once: as soon as the state directory can be written, so that the
// report can be put aside; the last time in any case.
void Supervisor::look_for_report(bool last_time) {
    constexpr std::size_t largest = 64 << 10;
    const std::string& directory = context_.place.state_directory;
    const std::string path = directory + "/" + std::string(report_name);
    if (!context_.place.system() || !last_shutdown_.empty() || os::HangingMounts().cover(path))
        return;
    const bool writable = ::access(directory.c_str(), W_OK) == 0;
    if (!writable && !last_time)
        return;
    auto text = os::read_file(path, largest);
    if (!text)
        return;
    std::vector<std::string_view> lines = split(trim(*text), '\n');
    last_shutdown_ = "the last shutdown (" + std::string(lines.front()) + ") had ";
    context_.say(Priority::warning, last_shutdown_ + "in its way:");
    last_shutdown_ += std::to_string(lines.size() - 1) + " things in its way: " + directory + "/" +
                      std::string(writable ? old_report_name : report_name);
    for (std::string_view line : std::span(lines).subspan(1))
        context_.say(Priority::warning, "  " + std::string(line));
    if (!writable)
        return;
    pid_t child = ::fork();
    if (child == 0) {
        (void)::close_range(0, ~0U, 0);
        ::_exit(::rename(path.c_str(), (directory + "/" + std::string(old_report_name)).c_str()) == 0 ? 0 : 1);
    }
    if (child > 0)
        removals_.push_back(child);
}

} // namespace mi::daemon
