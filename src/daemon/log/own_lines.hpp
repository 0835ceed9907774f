// PID 1's own log lines on their way to the collector: by a pipe like any service's, so that they outlive the collector as all
// others do. PID 1 never waits to write them: what finds no room is kept, up to a bound, and then counted.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/kernel.hpp"
#include "wire/log_protocol.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class OwnLines {
public:
    explicit OwnLines(Kernel& kernel) : kernel_(kernel) {}

    // Makes the pipe, and gives its read end. Lines that were added before wait for it.
    [[nodiscard]] Result<Fd> open();
    // The write end that the program before us had; -1: none.
    void restore(int pipe) { pipe_ = Fd(pipe); }
    // The write end; -1: none yet.
    [[nodiscard]] int fd() const { return pipe_.get(); }

    // A line in the log of `unit` (empty: our own), for write(); `shown`: on the console as well.
    void add(const std::string& unit, wire::logs::Priority priority, std::string_view text, bool shown);
    // Writes what there is room for, and is called back for the rest.
    void write();
    // Half as many as can wait are waiting.
    [[nodiscard]] bool many_wait() const;
    // Some are still here, and not in the pipe.
    [[nodiscard]] bool some_wait() const { return !waiting_.empty(); }

private:
    Kernel& kernel_;
    Fd pipe_;
    std::vector<std::string> waiting_;
    std::unique_ptr<loop::Watch> watch_; // while lines wait
    std::size_t lost_ = 0;               // since the last one that found room
};

} // namespace mi::daemon
