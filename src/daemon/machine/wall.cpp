#include "daemon/machine/wall.hpp"

#include "daemon/context.hpp"
#include "daemon/machine/scheduled_end.hpp"
#include "daemon/process/background_children.hpp"
#include "os/machine/terminals.hpp"

#include <unistd.h>

#include <climits>

namespace mi::daemon {

void Wall::tell(const std::string& who, const std::string& text) {
    if (!context_.place.system())
        return;
    char host[HOST_NAME_MAX + 1]{};
    (void)::gethostname(host, HOST_NAME_MAX); // without a name it is told all the same
    auto child = os::write_to_terminals(broadcast(who, host, text));
    if (child)
        background_.add(*child);
    else
        context_.say(Priority::warning, child.error().text() + "; people are not told on their terminals");
}

} // namespace mi::daemon
