// A few low descriptors kept in reserve, through which others are handed to a child. Private to this room's spawn.
//
// A child that shares our descriptor table and then takes a copy of its low end only (close_range(2) with
// CLOSE_RANGE_UNSHARE) costs the same whether we hold ten descriptors or ten thousand; a fork copies, and its exec
// closes, every one. So what is for the child must lie low when it is made.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/spawn/orders.hpp"
#include "os/spawn/plan.hpp"

#include <vector>

namespace mi::os {

class Window {
public:
    static Result<Window> open();

    // A descriptor that every child may be handed, and that need not be put anywhere for it. To be called before the first
    // start. Gives its number in the window.
    Result<int> keep(Fd resident);

    // Above every descriptor of the window.
    [[nodiscard]] int ceiling() const { return ceiling_; }
    // Nothing but 0, 1, 2 and the window lies below the ceiling, so exec closes all that the child is not to have.
    [[nodiscard]] bool pristine() const { return ceiling_ - 3 == static_cast<int>(places_.size() + residents_.size()); }
    // One of its descriptors that is not in use: /dev/null, or what reads like it.
    [[nodiscard]] int null() const;

    // Puts the sources of `moves` into the window, and into `found` where the child finds them. A target that lies in the
    // window gets its own place, so that no move overwrites another's source. False, and nothing put, if they are too many.
    bool hand_over(const std::vector<Move>& moves, std::vector<Move>& found);
    // What was handed over is no longer held here.
    void take_back();

private:
    [[nodiscard]] bool holds(int fd) const;
    [[nodiscard]] bool is_resident(int fd) const;
    [[nodiscard]] int free_place(const std::vector<Move>& moves) const;
    bool put(int source, int place);

    std::vector<Fd> places_; // each on /dev/null when not in use
    std::vector<int> used_;
    std::vector<Fd> residents_;
    int ceiling_ = 3;
};

// The ranges of descriptors above 2 that are no target of `moves`.
void find_gaps(const std::vector<Move>& moves, std::vector<GapOrder>& gaps);

} // namespace mi::os
