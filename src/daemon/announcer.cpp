#include "daemon/announcer.hpp"

namespace mi::daemon {

void Announcer::say(Priority priority, const std::string& text) {
    if (static_cast<int>(priority) > shown_)
        logs_.line({}, priority, text);
    else if (!logs_.line_on_console(priority, text))
        console_.line(text);
    if (hearer_)
        hearer_(text);
}

} // namespace mi::daemon
