// The single executable: it runs the program of the name by which it was called.
#include "ctl/run.hpp"
#include "daemon/run.hpp"
#include "logd/run.hpp"
#include "os/spawn/executor_image.hpp"

#include <unistd.h>

#include <string_view>

int main(int argc, char** argv) {
    // Before all else: orders at the end of the arguments make this process the executor.
    mi::os::enter_executor(argc, argv, environ);
    std::string_view name = argc > 0 ? argv[0] : "miniinit";
    if (std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    if (name == "miniinit-logd")
        return mi::logd::run(argc, argv);
    for (std::string_view client : {"minictl", "poweroff", "reboot", "halt", "shutdown", "telinit"})
        if (name == client)
            return mi::ctl::run(argc, argv);
    // As with other inits: `init 6` asks the running init.
    if (name == "init" && ::getpid() != 1 && argc == 2 && mi::ctl::is_telinit_word(argv[1]))
        return mi::ctl::run(argc, argv);
    return mi::daemon::run(argc, argv);
}
