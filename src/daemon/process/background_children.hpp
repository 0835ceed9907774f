// Children that do something on the side while PID 1 goes on, and that the end of everything waits for: they remove what services
// have left, or write to terminals.
#pragma once

#include "daemon/kernel.hpp"
#include "daemon/process/children.hpp"
#include "daemon/subsystem.hpp"

#include <functional>
#include <map>

namespace mi::daemon {

class BackgroundChildren final : public Subsystem {
public:
    BackgroundChildren(Kernel& kernel, Children& children) : kernel_(kernel), children_(children) {}

    // `pid` has just been made; `ended` is called when it has ended and been collected.
    void add(pid_t pid, std::function<void()> ended = {});
    void exited(const os::Exit& exit) override;
    // At the very end, when nothing else is collected any more: waits until all have ended, or `limit` is over.
    void wait(Span limit) const;

private:
    Kernel& kernel_;
    Children& children_;
    std::map<pid_t, std::function<void()>> running_;
};

} // namespace mi::daemon
