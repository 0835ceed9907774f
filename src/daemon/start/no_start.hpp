// Why a process cannot be started: the words, and whether another try may go better by itself.
#pragma once

#include "base/result.hpp"
#include "base/scarce.hpp"
#include "os/spawn/spawn.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace mi::daemon {

struct NoStart {
    std::string words;
    bool lasts = true; // until somebody changes something: no such program, user or directory, or no right to it

    // What a unit or the accounts say, and so will say the next time.
    NoStart(std::string why) : words(std::move(why)) {} // NOLINT(google-explicit-constructor): as errors are given
    // For what the system answered, an errno.
    NoStart(std::string why, int code) : words(std::move(why)), lasts(means_refusal(code)) {}
    explicit NoStart(const Fault& fault) : NoStart(fault.text(), fault.code) {}
    // For an account that a unit names: `what` is "user" or "group".
    NoStart(const std::string& what, const std::string& name, const Fault& fault)
        : NoStart(what + " \"" + name + "\": " + (fault.code == ENOENT ? "no such " + what : fault.text()),
                  fault.code) {}
    // A terminal may be plugged in later, and a cgroup is ours to make anew.
    explicit NoStart(const os::SpawnFault& fault)
        : words(fault.text()), lasts(means_refusal(fault.code) && fault.step != os::Step::terminal &&
                                     fault.step != os::Step::cgroup && fault.step != os::Step::clone) {}
    // Another try is another matter.
    static NoStart for_now(std::string why) {
        NoStart made(std::move(why));
        made.lasts = false;
        return made;
    }
    friend bool operator==(const NoStart& one, std::string_view text) { return one.words == text; }
};

} // namespace mi::daemon
