// Long output on a terminal, through a program that turns its pages.
#pragma once

#include <sys/types.h>

#include <optional>

namespace mi::ctl {

// While it lives, standard output goes to the pager; its end waits for the reader to have done.
class Pager {
public:
    // $MINIINIT_PAGER, else $PAGER, else less. Nothing where that is empty, `cat`, or not to be found: then standard output
    // is as it was. `at_end`: less begins there.
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
