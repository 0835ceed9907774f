#include "daemon/control/serve_control.hpp"

#include "daemon/control/manager.hpp"
#include "daemon/life.hpp"
#include "daemon/parts.hpp"

#include <unistd.h>

#include <utility>

namespace mi::daemon {

void serve_control(Parts& parts, Manager& manager, state::Snapshot* before) {
    Fd listener(before != nullptr ? before->manager.control : -1);
    ControlSettings settings;
    settings.owner = ::getuid();
    if (const std::string& group = parts.settings.control_group; !group.empty()) {
        if (auto id = os::Accounts().group(group))
            settings.group = *id;
        else
            parts.context.say(Priority::warning, "control-group \"" + group + "\": " + id.error().text());
    }
    auto server = ControlServer::make(parts.kernel, std::move(listener), manager, settings);
    if (!server) {
        parts.context.say(Priority::warning, server.error().text() + "; minictl cannot reach us");
        return;
    }
    serve(parts, std::move(*server), manager);
    parts.machine.reachability.check(false);
    if (before == nullptr)
        return;
    parts.control->clients().set_last_call(before->manager.last_call);
    for (auto& [fd, client] : before->clients) {
        parts.control->clients().set_last_call(client.call);
        // Who had asked nothing until the last turn has perhaps asked in the one that failed, and would wait for ever.
        if (client.call == 0 && parts.guard->page().deliberate == 0) {
            const Fd hung_up(client.fd);
            continue;
        }
        const state::ClientImage waits = client;
        parts.control->clients().adopt(std::move(client));
        if (waits.call != 0)
            manager.adopt(waits);
    }
}

} // namespace mi::daemon
