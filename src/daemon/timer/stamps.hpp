// When persistent timers were dealt with last, kept over reboots: a small file each, STATE/timers/NAME, of one line:
// `2026-11-22T04:00:00.123456Z ran`, or `met` while it has not run yet. Nothing of it is trusted to be there or whole.
//
// Writing waits for the disk, so a child does it: a disk that hangs costs PID 1 nothing.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace mi::daemon {

struct Stamp {
    WallTime at;
    bool ran = false; // else: it was only met, and nothing before that is its business
    bool operator==(const Stamp&) const = default;
};

class Stamps {
public:
    // `made` is called with each child that is made; exited() wants to hear of its end.
    explicit Stamps(std::string directory, std::function<void(pid_t)> made = {})
        : directory_(std::move(directory)), made_(std::move(made)) {}

    // The stamp of a unit. Nothing where there is none; a fault where there is one that cannot be used.
    [[nodiscard]] Result<std::optional<Stamp>> read(const std::string& unit) const;
    // Begins to write it. One child at a time for each unit: what is said meanwhile is written after it.
    void write(const std::string& unit, Stamp stamp);

    // A child of ours that ended, with its exit code (or -1: it was killed): what became of it.
    struct Written {
        std::string unit;
        int error = 0; // errno; 0: it is on the disk
    };
    [[nodiscard]] std::optional<Written> exited(pid_t pid, int code);

    // What a file says; nothing where it says something else.
    [[nodiscard]] static std::optional<Stamp> parse(std::string_view text);
    [[nodiscard]] static std::string text(Stamp stamp);
    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    [[nodiscard]] std::string path(const std::string& unit) const;

    std::string directory_;
    std::function<void(pid_t)> made_;
    std::map<pid_t, std::string> writing_;   // units by the child
    std::map<std::string, Stamp> to_follow_; // for those that are being written
};

} // namespace mi::daemon
