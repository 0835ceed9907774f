// What the kernel command line asks of us: our own words, and those that people know from other inits.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

struct KernelWishes {
    std::vector<std::string> words; // all of them, for conditions
    std::string target;             // from `single`, `3`, `emergency`, `miniinit.target=`…; empty: the default
    int log_level = -1;             // from `miniinit.log-level=`; -1: not said
    bool quiet = false;
    bool shell = false; // `miniinit.shell`: the built-in shell, and nothing else
    std::string end;    // `miniinit.end=`, one of core::machine_ends; empty: not said
    std::string notify; // `miniinit.notify=`, one of os::host_addresses; empty: not said
    std::string slot;   // `miniinit.slot=`: which of several systems this one is; else from `root=`; empty: not said
    // For the command behind `--`.
    std::vector<std::pair<std::string, std::string>> environment; // `miniinit.env=NAME=VALUE`
    std::string directory;                                        // `miniinit.cwd=`
    std::string user;                                             // `miniinit.user=`
    unsigned short columns = 0, rows = 0; // `miniinit.size=COLUMNSxROWS` of the console; 0: not said
    std::vector<std::string> complaints;  // what means nothing, one sentence each
};
[[nodiscard]] KernelWishes kernel_wishes(std::vector<std::string> words);

} // namespace mi::daemon
