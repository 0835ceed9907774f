// The one executable: the name it was called by says which program it is.
#include "ctl/run.hpp"
#include "daemon/run.hpp"
#include "logd/run.hpp"
#include "os/spawn/executor_image.hpp"

#include <unistd.h>

#include <string_view>

int main(int argc, char** argv) {
    mi::os::enter_executor(argc, argv, environ); // before anything else: it acts for somebody
    std::string_view name = argc > 0 ? argv[0] : "miniinit";
    if (std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    if (name == "miniinit-logd")
        return mi::logd::run(argc, argv);
    for (std::string_view client : {"minictl", "poweroff", "reboot", "halt", "shutdown", "telinit"})
        if (name == client)
            return mi::ctl::run(argc, argv);
    // As everywhere: `init 6` asks the init that runs.
    if (name == "init" && ::getpid() != 1 && argc == 2 && mi::ctl::is_telinit_word(argv[1]))
        return mi::ctl::run(argc, argv);
    return mi::daemon::run(argc, argv);
}
