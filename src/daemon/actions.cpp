// What the engine's effects do to the world.
#include "base/join.hpp"
#include "base/scarce.hpp"
#include "base/text.hpp"
#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"
#include "os/walked_file.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

bool Supervisor::changed_on_disk(core::UnitId id) const {
    return core::active(context_.record(id).phase) && context_.units[id].digest != 0 &&
           context_.units[id].digest != context_.unit(id).digest;
}

// Carried over into this root: its units are read as if they had been read again, and what runs goes on, whatever they say of it.
void Supervisor::settle_in() {
    std::vector<std::string> names;
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            names.push_back(context_.name(id));
    (void)unit_files_.reread(); // its problems are told by who began this
    context_.say(Priority::notice, "carried over into this root: " + join(names));
}

} // namespace mi::daemon
