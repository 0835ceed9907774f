#include "daemon/announcer.hpp"

namespace mi::daemon {

void Announcer::say(Priority priority, const std::string& text) {
    logs_.line({}, priority, text);
    if (static_cast<int>(priority) <= shown_)
        console_.line(text);
    if (hearer_)
        hearer_(text);
}

} // namespace mi::daemon
