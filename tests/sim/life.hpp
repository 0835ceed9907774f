// One life of a simulated machine: units drawn from a seed, PID 1 with all its subsystems, people who start and stop units, crashes
// of PID 1 at any call, and a shutdown at the end. What must always hold is checked after every turn:
//
// - A unit has one main process at most, and no process is made that PID 1 does not know of when the turn is over.
// - Every exit is heard: nobody stays a zombie.
// - A unit starts when all that it requires is up, and is told to end only when all that requires it is down.
// - Only processes of units that are stopping are told to end.
// - Whatever a unit waits for comes to an end: its start and its stop have their time limits.
// - After a crash PID 1 knows what it knew at the end of the last turn.
// - In the end everything is down, the program ends, and no descriptor is left.
//
// What is looked at is the machine, not what PID 1 believes; where both are known they are compared.
#pragma once

#include "core/graph.hpp"
#include "daemon/recovery/keeper.hpp"
#include "sim/sim_kernel.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::daemon {
struct Parts;
}

namespace mi::sim {

struct Totals {
    std::uint64_t lives = 0, turns = 0, calls = 0, starts = 0, exits = 0, crashes = 0, compared = 0, commands = 0;
    Span simulated{0};
};

class Life final : public SimKernel::Watcher {
public:
    // `told`: what happens is printed.
    Life(std::uint64_t seed, unsigned units, bool told, Totals& totals);
    ~Life() override;
    // Lives it; throws a Violation where something is wrong.
    void live();

private:
    void making(const os::Plan& plan) override;
    void signalling(const Process& process, int number) override;
    void turn_ended() override;
    void before_turn() override;
    void stuck() override;

    [[nodiscard]] std::vector<core::Unit> units() const;
    [[nodiscard]] bool run_program(); // false: it has crashed
    void begin_world();
    void ask();
    void come_again(Span after);
    void draw_crash();
    void remember();
    void keep_descriptors(std::vector<std::pair<int, int>>& kept) const;
    void check_restored(const daemon::Parts& parts);
    void check_processes() const;
    void check_time();
    void check_end() const;
    [[nodiscard]] bool is_up(core::UnitId unit) const;
    void tell(const std::string& what) const;
    [[noreturn]] void wrong(const std::string& what) const;

    std::uint64_t seed_;
    unsigned count_;
    bool told_;
    Totals& totals_;
    Machine machine_;
    Chance chance_; // of people and crashes: apart, so that both are the same whatever PID 1 does
    SimKernel::Faults faults_;
    Fd memory_; // of the state
    std::string directory_;
    std::unique_ptr<SimKernel> kernel_;
    daemon::Parts* parts_ = nullptr; // while the program runs
    std::vector<unsigned> number_;   // of each unit, by id
    std::vector<core::Record> last_; // at the end of the last turn
    bool last_halting_ = false;
    bool compare_ = false; // with what the next program has restored
    Instant ask_at_{}, shut_down_at_{}, look_at_{};
    bool shut_down_ = false;
};

} // namespace mi::sim
