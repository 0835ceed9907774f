#include "daemon/control/list_reply.hpp"

#include "base/clock.hpp"

namespace mi::daemon {

bool ListReply::append(std::string& to, bool more, Instant until) {
    constexpr std::size_t portion = 8 << 10;
    const std::size_t enough = to.size() + portion;
    if (head_.empty()) {
        bool left = true;
        do
            left = next_(to);
        while (left && to.size() < enough && monotonic_now() < until);
        return left;
    }
    bool first = !std::exchange(open_, true);
    if (first)
        to += head_;
    bool left = true;
    do {
        const std::size_t before = to.size();
        if (!first)
            to += ',';
        left = next_(to);
        if (!left)
            to.resize(before);
        first = false;
    } while (left && to.size() < enough && monotonic_now() < until);
    // One who did not say `more` gets the same bytes as one long reply.
    if (!left || more) {
        to += left ? R"(]},"continues":true})" : "]}}";
        to += '\0';
        open_ = false;
    }
    return left;
}

} // namespace mi::daemon
