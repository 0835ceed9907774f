// What PID 1 says to people directly: on the console of a machine, on stderr in a container. Never waited for: where the other
// end does not read, the line is lost here (the log has it).
#pragma once

#include "base/fd.hpp"

#include <string_view>

namespace mi::daemon {

class Console {
public:
    // `device`: say things on /dev/console, opened anew so that being non-blocking is ours alone; else on stderr.
    explicit Console(bool device);
    // One line, without its end. Not blocking, at most about 1,000 bytes of it.
    void line(std::string_view text);

private:
    Fd own_;
    int fd_ = 2;
};

} // namespace mi::daemon
