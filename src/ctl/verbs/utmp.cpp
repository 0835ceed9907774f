// `minictl utmp`: what a unit of the boot runs, so that PID 1 waits for no file.
#include "os/machine/utmp.hpp"
#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

int write_utmp_record(Context& context) {
    using Event = os::MachineEvent;
    const std::vector<std::string>& words = context.arguments.words;
    const bool runlevel = words[0] == "runlevel";
    if ((!runlevel && words[0] != "boot" && words[0] != "shutdown") || runlevel != (words.size() == 2) ||
        (runlevel && words[1].size() != 1))
        return context.fail("say boot, shutdown, or runlevel and a digit", usage);
    const Event event = runlevel ? Event::runlevel : words[0] == "boot" ? Event::boot : Event::shutdown;
    const Result<> written = os::record_machine_event(event, runlevel ? words[1][0] : '\0');
    return written ? static_cast<int>(done) : context.fail(written.error().text());
}

} // namespace mi::ctl
