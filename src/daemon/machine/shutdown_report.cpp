#include "daemon/machine/shutdown_report.hpp"

#include "base/count.hpp"
#include "base/text.hpp"
#include "daemon/machine/last_stage.hpp"
#include "daemon/process/background_children.hpp"
#include "daemon/units/boot_target.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/helper_child.hpp"

#include <unistd.h>

#include <span>
#include <vector>

namespace mi::daemon {

// A oneshot may have made the state directory writable.
void ShutdownReport::unit_changed(core::UnitId unit, core::Phase, core::Phase to) {
    if (to != core::Phase::up && to != core::Phase::done)
        return;
    if (target_.is(unit) && target_.was_reached())
        look(true);
    else if (context_.unit(unit).service.type == core::ServiceType::oneshot && !target_.was_reached())
        look(false);
}

// Shows it as soon as the state directory can be written, so that it can be put aside; the last time in any case.
void ShutdownReport::look(bool last_time) {
    constexpr std::size_t largest = 64 << 10;
    const std::string& directory = context_.place.state_directory;
    const std::string path = directory + "/" + std::string(report_name);
    if (!context_.place.system() || !words_.empty() || os::HangingMounts().cover(path))
        return;
    const bool writable = ::access(directory.c_str(), W_OK) == 0;
    if (!writable && !last_time)
        return;
    auto text = os::read_file(path, largest);
    if (!text)
        return;
    std::vector<std::string_view> lines = split(trim(*text), '\n');
    words_ = "the last shutdown (" + std::string(lines.front()) + ") had ";
    context_.say(Priority::warning, words_ + "in its way:");
    words_ += counted(lines.size() - 1, "thing") + " in its way: " + directory + "/" +
              std::string(writable ? old_report_name : report_name);
    for (std::string_view line : std::span(lines).subspan(1))
        context_.say(Priority::warning, "  " + std::string(line));
    if (writable)
        put_aside(path);
}

// A child does it: the disk may be slow.
void ShutdownReport::put_aside(const std::string& path) {
    const std::string to = context_.place.state_directory + "/" + std::string(old_report_name);
    if (auto child = os::start_helper("put-aside", [&] { return ::rename(path.c_str(), to.c_str()) == 0 ? 0 : 1; }))
        background_.add(*child);
}

} // namespace mi::daemon
