// What PID 1 has to say for itself: in its log, on the console (or stderr) where it is important enough, and to clients that have
// subscribed to events.
#pragma once

#include "daemon/log/log_link.hpp"
#include "daemon/machine/console.hpp"

#include <functional>
#include <string>

namespace mi::daemon {

class Announcer {
public:
    // Lines of at most the level `shown` go to the console as well.
    Announcer(loop::Loop& loop, LogLink& logs, bool on_console, int shown)
        : logs_(logs), console_(on_console), shown_(shown) {
        console_.wait_in(loop);
    }
    void say(Priority priority, const std::string& text);
    // Called with each text from then on.
    void set_hearer(std::function<void(const std::string&)> hearer) { hearer_ = std::move(hearer); }

private:
    LogLink& logs_;
    Console console_;
    int shown_;
    std::function<void(const std::string&)> hearer_;
};

} // namespace mi::daemon
