// How many boots in a row were not good ones, kept over reboots: STATE/boot-attempts, a file with a number and, in a second line,
// what the kernel line calls this system, if it does: the failed boots of another one that shares the directory do not count.
// A boot is counted as soon as that can be written, and the count goes back to 0 when it is good. What follows from it, and in
// which order, is BootResult's.
//
// PID 1 reads the file once, before anything is mounted, and not where a file system may hang. Writing waits for the disk, so
// a child does it, and reads again what it goes on from: the state directory may have come with a mount only.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace mi::daemon {

class BootAttempts {
public:
    // `made` is called with each child that is made; exited() wants to hear of its end.
    explicit BootAttempts(std::string directory, std::string slot = {}, std::function<void(pid_t)> made = {})
        : directory_(std::move(directory)), slot_(std::move(slot)), made_(std::move(made)) {}

    // This boot begins. `limit`: of boots that miss the target, 0 for none. `counts`: the target is the default one, and
    // this is no re-exec of a boot that was counted before. True: there were too many, this one should go to rescue (and
    // the next ones try again: the count goes back to 0, or, with `keeps`, stays until clear() is called). Nothing is written yet.
    [[nodiscard]] bool begin(std::uint32_t limit, bool counts, bool keeps = false);
    // The first units are on their way, or something was mounted or made writable: what is still to be written is tried.
    void storage_changed();
    // The count goes back to 0: all is well, or what follows from it has been done.
    void clear();
    // Nothing is being written.
    [[nodiscard]] bool at_rest() const { return child_ == 0; }
    // Which one in a row this boot is, as far as that is known: 1 is the first.
    [[nodiscard]] std::uint32_t number() const;
    // The default target is not what we are going to any more: no file system is held on to.
    void let_go() { place_.reset(); }

    // What became of a child of ours that ended; `code`: its exit code, or -1.
    struct Written {
        bool too_many = false; // found only now, with the file system that came meanwhile
        std::string trouble;   // that should be said
    };
    [[nodiscard]] std::optional<Written> exited(pid_t pid, int code);

    // What a file says of `slot`; nonsense is 0.
    [[nodiscard]] static std::uint32_t parse(std::string_view text, std::string_view slot = {});

private:
    enum class Wish : std::uint8_t { nothing, count, clear };
    void try_it();
    [[nodiscard]] int write(Wish wish) const;

    std::string directory_, slot_;
    std::function<void(pid_t)> made_;
    std::uint32_t limit_ = 0;
    std::uint32_t before_ = 0;   // boots, as was found at the start
    std::uint32_t number_ = 0;   // of this boot, as the file said when it was to be cleared; 0: it was not
    bool keeps_ = false;         // too many are cleared by clear() only
    Wish wish_ = Wish::nothing;  // what is to be written
    Wish doing_ = Wish::nothing; // what the child writes
    bool clean_ = false;         // the file is known to say 0, or not to be there
    pid_t child_ = 0;
    // Where it was counted: it is cleared there, even if another file system has been mounted over it since.
    Fd place_;
};

} // namespace mi::daemon
