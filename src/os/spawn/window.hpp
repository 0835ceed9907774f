// Reserves a few low descriptor numbers, through which other descriptors are passed to a child. Private to this folder.
//
// A child that shares our descriptor table and then copies only its low end (close_range(2) with CLOSE_RANGE_UNSHARE)
// costs the same for ten descriptors as for ten thousand; fork(2) copies all of them, and its exec closes them. So the
// descriptors for the child must have low numbers when it is made.
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

    // Keeps a descriptor that every child may get, and that need not be placed for each start. Call it before the first
    // start. Returns its number in the window.
    Result<int> keep(Fd resident);

    // A number above every descriptor of the window.
    [[nodiscard]] int ceiling() const { return ceiling_; }
    // Below the ceiling there are only 0, 1, 2 and the window, so exec closes all descriptors that the child must not
    // get.
    [[nodiscard]] bool pristine() const { return ceiling_ - 3 == static_cast<int>(places_.size() + residents_.size()); }
    // An unused descriptor of the window: /dev/null, or a substitute that reads as empty.
    [[nodiscard]] int null() const;

    // Puts the sources of `moves` into the window; `found` gets their numbers in the child. A target number inside the
    // window is used as the place of its own source, so that no move overwrites another one's source. False, with no
    // change, if there are too many.
    bool hand_over(const std::vector<Move>& moves, std::vector<Move>& found);
    // Releases the descriptors that were put into the window.
    void take_back();

private:
    [[nodiscard]] bool holds(int fd) const;
    [[nodiscard]] bool is_resident(int fd) const;
    [[nodiscard]] int free_place(const std::vector<Move>& moves) const;
    bool put(int source, int place);

    std::vector<Fd> places_; // each has /dev/null while unused
    std::vector<int> used_;
    std::vector<Fd> residents_;
    int ceiling_ = 3;
};

// Finds the ranges of descriptors above 2 that are no target of `moves`.
void find_gaps(const std::vector<Move>& moves, std::vector<GapOrder>& gaps);

} // namespace mi::os
