// Puts descriptors at low numbers, and manages the window.
#include "os/spawn/window.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {

static constexpr std::size_t window_size = 12;

// Opens /dev/null or, without one, the read end of a pipe without a writer, which also reads as empty.
static Result<Fd> open_nothing() {
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null)
        return null;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fault(errno, "open", "/dev/null");
    ::close(ends[1]);
    return Fd(ends[0]);
}

Result<Window> Window::open() {
    Result<Fd> first = open_nothing();
    if (!first)
        return std::unexpected(first.error());
    if (first->get() < 3)
        *first = Fd(::fcntl(first->get(), F_DUPFD_CLOEXEC, 3));
    Window window;
    if (*first)
        window.places_.push_back(*std::move(first));
    while (!window.places_.empty() && window.places_.size() < window_size) {
        Fd next(::fcntl(window.places_.front().get(), F_DUPFD_CLOEXEC, 3));
        if (!next)
            break;
        window.places_.push_back(std::move(next));
    }
    if (window.places_.size() < window_size)
        return fault(errno, "reserve descriptors");
    window.ceiling_ = window.places_.back().get() + 1;
    return window;
}

Result<int> Window::keep(Fd resident) {
    Fd low(::fcntl(resident.get(), F_DUPFD_CLOEXEC, 3));
    if (!low)
        return fault(errno, "reserve a descriptor");
    ceiling_ = std::max(ceiling_, low.get() + 1);
    residents_.push_back(std::move(low));
    return residents_.back().get();
}

bool Window::holds(int fd) const {
    return std::ranges::any_of(places_, [fd](const Fd& place) { return place.get() == fd; });
}

bool Window::is_resident(int fd) const {
    return std::ranges::any_of(residents_, [fd](const Fd& one) { return one.get() == fd; });
}

int Window::free_place(const std::vector<Move>& moves) const {
    for (const Fd& place : places_) {
        bool target = std::ranges::any_of(moves, [&](const Move& move) { return move.target == place.get(); });
        if (!target && std::ranges::find(used_, place.get()) == used_.end())
            return place.get();
    }
    return -1;
}

int Window::null() const { return free_place({}); }

bool Window::put(int source, int place) {
    // One place stays unused: the others are restored from it.
    if (place < 0 || used_.size() + 1 >= places_.size() || ::dup3(source, place, O_CLOEXEC) < 0)
        return false;
    used_.push_back(place);
    return true;
}

bool Window::hand_over(const std::vector<Move>& moves, std::vector<Move>& found) {
    found.clear();
    auto give_up = [this] {
        take_back();
        return false;
    };
    auto is_target = [&](int fd) {
        return std::ranges::any_of(moves, [fd](const Move& move) { return move.target == fd; });
    };
    for (const Move& move : moves) {
        if (move.source == null_device || (move.source == move.target && move.target <= 2))
            continue; // 0, 1 and 2 that keep their numbers need no place
        if (is_resident(move.source) && !is_target(move.source)) {
            found.push_back(move);
            continue;
        }
        int place = holds(move.target) ? move.target : free_place(moves);
        if (!put(move.source, place))
            return give_up();
        found.push_back({place, move.target});
    }
    int null = free_place(moves);
    for (const Move& move : moves) {
        if (move.source != null_device)
            continue;
        int place = holds(move.target) ? move.target : null;
        if (place < 0)
            return give_up();
        found.push_back({place, move.target});
    }
    return true;
}

void Window::take_back() {
    int unused = null();
    for (int place : used_)
        ::dup3(unused, place, O_CLOEXEC);
    used_.clear();
}

void find_gaps(const std::vector<Move>& moves, std::vector<GapOrder>& gaps) {
    gaps.clear();
    std::vector<unsigned> targets;
    for (const Move& move : moves)
        if (move.target > 2)
            targets.push_back(static_cast<unsigned>(move.target));
    std::ranges::sort(targets);
    unsigned from = 3;
    for (unsigned target : targets) {
        if (target > from)
            gaps.push_back({from, target - 1});
        from = target + 1;
    }
    gaps.push_back({from, ~0U});
}

} // namespace mi::os
