// Descriptors that services have given us to keep over their restarts (sd_notify(3), FDSTORE=1), by unit and name; and the
// closing of those that are not wanted any more, which must not hold up PID 1 whatever a service has sent.
#pragma once

#include "base/fd.hpp"
#include "daemon/process/children.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/unit_table.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mi::daemon {

class FdStore final : public Subsystem {
public:
    // `changed` is told the unit whose descriptors are others than before.
    FdStore(UnitTable& units, Children& children, std::function<void(core::UnitId)> changed);

    // Readable when a stored descriptor has hung up; then call drop_dead. -1: there is none.
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

    // Closes what the unit has sent and is not to be kept. False: it has sent so many whose closing does not end that it had
    // better not be listened to any more.
    bool discard(core::UnitId unit, Fd fd);

    void exited(const os::Exit& exit) override;
    void unit_gone(core::UnitId unit) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;

private:
    void watch(core::UnitId unit, StoredFd& stored);
    void unwatch(const StoredFd& stored);
    void drop_all(core::UnitId unit);
    void close_unwanted(core::UnitId unit);
    [[nodiscard]] UnwantedFds& unwanted_of(core::UnitId unit);

    UnitTable& units_; // UnitRun::stored, the oldest first, and UnitRun::unwanted
    Children& children_;
    std::function<void(core::UnitId)> changed_;
    Fd hang_ups_; // an epoll(7) of its own: told of nothing but the hang-up, it does not wake us while data comes and goes
    std::size_t watched_ = 0;      // are in it
    UnwantedFds unwanted_of_gone_; // of all units that are gone
    std::unordered_map<pid_t, core::UnitId> closers_;
};

} // namespace mi::daemon
