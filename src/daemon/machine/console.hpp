// What PID 1 says to people directly: on the console of a machine, on stderr in a container. The other end may be slow, or a
// terminal that somebody has stopped: what it has no room for waits, and PID 1 does not.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"
#include "loop/loop.hpp"
#include "os/socket/shared_output.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace mi::daemon {

class Console {
public:
    // `device`: say things on /dev/console, opened anew so that being non-blocking is ours alone; else on stderr.
    // `patience`: how long all lines together may be waited for where there is no loop.
    explicit Console(bool device, Span patience = std::chrono::seconds(1));
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    // From now on lines that find no room wait for it in `loop`, at most 64 KiB of them; what is beyond is counted.
    void wait_in(loop::Loop& loop) { loop_ = &loop; }
    // One line, without its end; at most about 1,000 bytes of it, and only what is printable.
    void line(std::string_view text);

private:
    void put(std::string_view text);
    void write();
    void await();
    void watch();

    os::SharedOutput output_;
    bool device_ = false; // the console of a machine; else stderr, which others have, too
    Span patience_;
    loop::Loop* loop_ = nullptr;
    // While something waits. stderr is watched by an epoll set in between: the loop would make what it watches non-blocking, and
    // that is for all who have it.
    std::unique_ptr<loop::Watch> watch_;
    Fd between_;
    std::string waiting_;
    unsigned lost_ = 0; // lines since the last one that found room
};

} // namespace mi::daemon
