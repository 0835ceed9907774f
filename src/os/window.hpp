// A few low descriptors kept in reserve, through which others are handed to a child. Private to this room's spawn.
//
// A child that shares our descriptor table and then takes a copy of its low end only (close_range(2) with
// CLOSE_RANGE_UNSHARE) costs the same whether we hold ten descriptors or ten thousand; a fork copies, and its exec
// closes, every one. So what is for the child must lie low when it is made.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/plan.hpp"

#include <utility>
#include <vector>

namespace mi::os {

class Window {
public:
    static Result<Window> open();

    // Above every descriptor of the window.
    [[nodiscard]] int ceiling() const { return places_.back().get() + 1; }
    // Nothing but 0, 1, 2 and the window lies below the ceiling, so exec closes all that the child is not to have.
    [[nodiscard]] bool pristine() const { return places_.front().get() == 3 && ceiling() - 3 == size(); }
    // One of its descriptors that is not in use: /dev/null, or what reads like it.
    [[nodiscard]] int null() const;

    // Puts the sources of `moves`, and `extra` unless it is -1, into the window, and into `found` and `extra_found`
    // where the child finds them. A target that lies in the window gets its own place, so that no move overwrites
    // another's source. False, and nothing put, if they are too many.
    bool hand_over(const std::vector<Move>& moves, int extra, std::vector<Move>& found, int& extra_found);
    // What was handed over is no longer held here.
    void take_back();

private:
    [[nodiscard]] int size() const { return static_cast<int>(places_.size()); }
    [[nodiscard]] bool holds(int fd) const;
    [[nodiscard]] int free_place(const std::vector<Move>& moves) const;
    bool put(int source, int place);

    std::vector<Fd> places_; // each on /dev/null when not in use
    std::vector<int> used_;
};

// The ranges of descriptors above 2 that are no target of `moves`.
void find_gaps(const std::vector<Move>& moves, std::vector<std::pair<unsigned, unsigned>>& gaps);

} // namespace mi::os
