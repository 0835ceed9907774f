// A queue that many users share fairly: served next is the user who has cost the least time so far, and of what he has here
// the oldest. So a user with a thousand requests, or with dear ones, delays his own. The idea is that of a scheduler by
// virtual time (start-time fair queueing; Linux' CFS).
#pragma once

#include "base/time.hpp"

#include <sys/types.h>

#include <algorithm>
#include <list>
#include <set>
#include <unordered_map>
#include <utility>

namespace mi::daemon {

template <typename Item>
class FairQueue {
public:
    [[nodiscard]] bool empty() const { return waiting_.empty(); }

    // At the end of what the user has here. Each item at most once: the caller knows what it has added.
    void add(uid_t user, Item item) {
        if (waiting_.empty() || users_.size() > most_remembered)
            forget_idle();
        User& his = users_[user];
        if (his.items.empty()) {
            // A user who comes back has nothing saved up from the time that he was away.
            his.spent = std::max(his.spent, level_);
            waiting_.emplace(his.spent, user);
        }
        his.items.push_back(item);
    }

    // Takes out the item to be served now; there is one.
    [[nodiscard]] Item next() {
        const auto [spent, user] = *waiting_.begin();
        level_ = std::max(level_, spent);
        User& his = users_[user];
        Item item = his.items.front();
        his.items.pop_front();
        if (his.items.empty())
            waiting_.erase(waiting_.begin());
        return item;
    }

    // What was done for the user has taken this long.
    void charge(uid_t user, Span cost) {
        auto at = users_.find(user);
        if (at == users_.end())
            return;
        User& his = at->second;
        const bool waits = waiting_.erase({his.spent, user}) != 0;
        his.spent += cost;
        if (waits)
            waiting_.emplace(his.spent, user);
    }

    void remove(uid_t user, Item item) {
        auto at = users_.find(user);
        if (at == users_.end() || std::erase(at->second.items, item) == 0)
            return;
        if (at->second.items.empty())
            waiting_.erase({at->second.spent, user});
    }

private:
    // Users are remembered, for what they have cost, as long as somebody waits; but there are very many numbers.
    static constexpr std::size_t most_remembered = 4096;

    struct User {
        std::list<Item> items;
        Span spent{0};
    };

    void forget_idle() {
        std::erase_if(users_, [](const auto& entry) { return entry.second.items.empty(); });
        if (users_.empty())
            level_ = Span{0};
    }

    std::unordered_map<uid_t, User> users_;
    std::set<std::pair<Span, uid_t>> waiting_; // those who have something here
    Span level_{0};                            // what the one who was served last had cost before
};

} // namespace mi::daemon
