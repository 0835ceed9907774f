// When what is only done while nothing happens is done: a second after something has happened, and at most every three seconds. While
// nothing happens it is never, so that the process is not woken for it.
#pragma once

#include "base/time.hpp"

#include <algorithm>

namespace mi {

class QuietMoment {
public:
    static constexpr Span after = std::chrono::seconds(1), apart = std::chrono::seconds(3);

    // Something happens.
    void busy(Instant now) {
        if (at_ == never)
            at_ = std::max(now + after, earliest_);
    }
    [[nodiscard]] Instant next_deadline() const { return at_; }
    // True, once, when the moment has come.
    [[nodiscard]] bool has_come(Instant now) {
        if (now < at_)
            return false;
        at_ = never;
        earliest_ = now + apart;
        return true;
    }

private:
    Instant at_ = never, earliest_{};
};

} // namespace mi
