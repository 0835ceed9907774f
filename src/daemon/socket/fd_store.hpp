// Descriptors that services have given us to keep over their restarts (sd_notify(3), FDSTORE=1), by unit and name; and the
// closing of those that nobody wants any more, which must not hold up PID 1 whatever a service has sent.
#pragma once

#include "base/fd.hpp"
#include "core/record.hpp"

#include <sys/types.h>

#include <functional>
#include <list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class FdStore {
public:
    // `made` is called with each child that is made; closer_ended() wants to hear of its end.
    explicit FdStore(std::function<void(pid_t)> made = {});
    struct Stored {
        Fd fd;
        std::string name;
        bool watched = false; // for a hang-up
    };

    // Readable when a stored descriptor has hung up; then call drop_dead. -1: nobody tells.
    [[nodiscard]] int fd() const { return hang_ups_.get(); }
    void drop_dead();

    enum class Kept { yes, already, full };
    // Keeps `fd`, unless there is one of the same open file already or the unit has `most`. `polled`: until it hangs up.
    Kept keep(core::UnitId unit, std::string name, Fd fd, bool polled, std::size_t most);
    // Gives up the unit's descriptors of that name, or all.
    void remove(core::UnitId unit, std::string_view name);
    void drop(core::UnitId unit);
    // One that the program before this one kept.
    void adopt(core::UnitId unit, std::string name, Fd fd, bool polled);
    // What the unit is handed when it starts again, the oldest first.
    [[nodiscard]] std::span<const Stored> descriptors_of(core::UnitId unit) const;

    // Closes what the unit has sent and nobody keeps. False: it has sent so many whose closing does not end that it had
    // better not be listened to any more.
    bool discard(core::UnitId unit, Fd fd);
    // A child of ours has ended: whether it was one of those that close.
    bool closer_ended(pid_t pid);

    // The unit is gone.
    void forget(core::UnitId unit);
    // Whose descriptors have changed since this was last asked.
    [[nodiscard]] std::vector<core::UnitId>& moved() { return moved_; }

private:
    // What is to be closed for a unit: one child at a time, for those that may never end.
    struct Waste {
        std::vector<Fd> waiting;
        pid_t closer = 0;
    };
    void watch(Stored& stored) const;
    void unwatch(const Stored& stored) const;
    void close_waste(Waste& waste) const;

    std::function<void(pid_t)> made_;
    Fd hang_ups_; // an epoll(7) of its own: told of nothing but the hang-up, it wakes nobody while data comes and goes
    std::map<core::UnitId, std::vector<Stored>> stored_;
    std::map<core::UnitId, Waste> waste_;
    std::vector<core::UnitId> moved_;
};

} // namespace mi::daemon
