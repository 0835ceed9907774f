// Messages about programs that could not be started.
#include "os/spawn/spawn.hpp"

namespace mi::os {

std::string SpawnFault::text() const {
    std::string line(name(step));
    line += ": ";
    line += Fault{code, {}, {}}.text().substr(2);
    if (!about.empty())
        line += " (" + about + ")";
    return line;
}

} // namespace mi::os
