#include "daemon/startup_report.hpp"

#include "base/clock.hpp"
#include "base/count.hpp"
#include "daemon/parts.hpp"
#include "os/crash/crash_report.hpp"
#include "wire/log_format.hpp"

#include <string_view>

namespace mi::daemon {

void introduce(Parts& parts, const Options& options) {
    std::string_view mode = parts.place.mode == Mode::system ? "system"
                            : parts.place.mode == Mode::user ? "user"
                                                             : "container";
    std::string line = wire::logs::start_text(mode) + ", " + counted(parts.engine.graph().count(), "unit");
    if (const std::vector<std::string> passed = parts.context.surroundings.passed_on(); !passed.empty())
        line += passed == std::vector<std::string>{"*"}
                    ? "; services get our environment"
                    : "; services get " + counted(passed.size(), "variable") + " of ours";
    if (!options.command.empty())
        line += "; command: " + std::string(options.command.front());
    parts.log.link.line({}, Priority::info, line);
}

void add_problems(std::vector<std::string>& faults, const std::vector<config::Problem>& problems) {
    constexpr std::size_t most = 10;
    std::size_t same = 0;
    for (std::size_t i = 0; i < problems.size(); ++i) {
        same = i > 0 && problems[i].file == problems[i - 1].file ? same + 1 : 0;
        const bool last = i + 1 == problems.size() || problems[i + 1].file != problems[i].file;
        if (same < most)
            faults.push_back(config::brief(problems[i]));
        else if (last)
            faults.push_back(std::to_string(same + 1 - most) + " more in " + problems[i].file +
                             "; `minictl verify` names them all");
    }
}

void report_crash(Parts& parts, const os::CrashGuard* guard, const Options& options) {
    if (guard == nullptr || options.resume_fd < 0)
        return;
    if (guard->page().deliberate != 0)
        parts.context.say(Priority::info, "executed anew");
    else
        for (const std::string& line : os::crash_report(guard->page(), monotonic_now()))
            parts.context.say(Priority::alert, line);
}

} // namespace mi::daemon
