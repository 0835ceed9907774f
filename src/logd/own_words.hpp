// Whom PID 1's next lines are about, before they are taken out of its pipe.
//
// What PID 1 says of a service ("it ended with exit code 9") follows from what the service did, so the service's own last words
// come first, in every log and with no later stamp. They travel by different pipes. But PID 1 wrote its line after it had
// collected the process, so by then all that this had written was in a pipe, and the collector had been sent that pipe. So it is
// enough to look at PID 1's lines first, to read then what waits in the socket and in the pipes of the units that are named, and
// to take the lines after that.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace mi::logd {

class OwnWords {
public:
    struct Ahead {
        std::size_t bytes = 0;          // of these lines; 0: there are none, or they cannot be looked at
        bool of_all = false;            // one is about none, or about who knows whom
        std::vector<std::string> units; // sorted, each once
        bool is_start = false; // it is the one line that tells of the init's start, before all that services say
        [[nodiscard]] bool concern(std::string_view unit) const;
    };
    // What `pipe` holds now, and goes on to hold: tee(2). `room` is written to.
    [[nodiscard]] Ahead look(int pipe, std::span<char> room);

private:
    Fd read_, write_; // a pipe for the copy; none until it is needed
};

} // namespace mi::logd
