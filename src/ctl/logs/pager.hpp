// Shows long output on a terminal through a pager.
#pragma once

#include <sys/types.h>

#include <optional>

namespace mi::ctl {

// During its life standard output goes to the pager; the destructor waits until the user quits it.
class Pager {
public:
    // Starts $MINIINIT_PAGER, else $PAGER, else less. nullopt if that is empty, `cat`, or not found: then standard
    // output is unchanged. `at_end`: less starts at the end.
    [[nodiscard]] static std::optional<Pager> start(bool at_end);
    ~Pager();
    Pager(Pager&& other) noexcept;
    Pager& operator=(Pager&& other) noexcept;
    Pager(const Pager&) = delete;
    Pager& operator=(const Pager&) = delete;

private:
    explicit Pager(pid_t child) : child_(child) {}
    pid_t child_;
};

} // namespace mi::ctl
