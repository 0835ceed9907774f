// The one executable: the name it was called by says which program it is.
#include "ctl/run.hpp"
#include "daemon/run.hpp"
#include "logd/run.hpp"

#include <string_view>

int main(int argc, char** argv) {
    std::string_view name = argc > 0 ? argv[0] : "miniinit";
    if (std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    if (name == "miniinit-logd")
        return mi::logd::run(argc, argv);
    for (std::string_view client : {"minictl", "poweroff", "reboot", "halt", "shutdown"})
        if (name == client)
            return mi::ctl::run(argc, argv);
    return mi::daemon::run(argc, argv);
}
