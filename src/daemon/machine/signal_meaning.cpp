#include "daemon/machine/signal_meaning.hpp"

#include <csignal>

namespace mi::daemon {

core::Ending ending_meant(int signal, bool machine) {
    using core::Ending;
    const int first = SIGRTMIN;
    if (!machine)
        return signal == SIGINT || signal == SIGTERM || signal == SIGQUIT ||
                       (signal >= first + 3 && signal <= first + 5)
                   ? Ending::exit
                   : Ending::none;
    if (signal == SIGINT || signal == SIGTERM || signal == first + 5)
        return Ending::reboot;
    if (signal == SIGUSR2 || signal == SIGPWR || signal == first + 4)
        return Ending::poweroff;
    return signal == SIGUSR1 || signal == first + 3 ? Ending::halt : Ending::none;
}

} // namespace mi::daemon
