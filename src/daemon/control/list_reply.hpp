// A reply that is a list, or many replies, made as the client reads: however long it is, it takes the memory of what is sent next.
#pragma once

#include "base/time.hpp"

#include <functional>
#include <string>
#include <utility>

namespace mi::daemon {

class ListReply {
public:
    // Appends an element; false: there are no more, and what was appended does not count.
    using Next = std::function<bool(std::string&)>;

    // `head` is the beginning of each message, up to the first element (wire::list_head). If it is empty, `next` appends whole
    // messages, and returns false for the last one.
    ListReply(std::string head, Next next) : head_(std::move(head)), next_(std::move(next)) {}

    // Appends elements (one at least), up to a portion's size or that moment. With `more` a portion is a message of its own;
    // without, all of them are one. False: that is the end.
    bool append(std::string& to, bool more, Instant until);

private:
    std::string head_;
    Next next_;
    bool open_ = false; // a message is begun, and its list is open
};

} // namespace mi::daemon
