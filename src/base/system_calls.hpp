// What a unit says about the system calls of its processes: their names and named groups for `system-call-filter`, and
// the calls that are restricted by what is passed to them. os builds the filter.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi {

// A group: its name without the '@', and its members, names and "@groups" separated by blanks.
struct CallGroup {
    std::string_view name;
    std::string_view members;
};

// The groups that a unit may name, in the order of the manual.
[[nodiscard]] std::span<const CallGroup> call_groups();

// Every system call that we know, of all our architectures; sorted.
[[nodiscard]] const std::vector<std::string_view>& known_calls();

// The number of the call on the architecture that this is built for; -1: it does not exist there.
[[nodiscard]] int call_number(std::string_view name);

// The same, with the numbers of its variants (mmap2 for "mmap"): none, one or several.
[[nodiscard]] std::vector<int> call_numbers(std::string_view name);

// Whether `word` is a known call or, with a leading '@', a group.
[[nodiscard]] bool names_calls(std::string_view word);

// Whether a program can neither start nor end without this call: no filter denies it.
[[nodiscard]] bool is_indispensable(std::string_view name);

// The meaning of a `system-call-filter`. The first word decides: "!read" or "~read" makes it a list of denied calls,
// any other word a list of allowed calls. Each further word of the same kind adds calls to the list; a word of the
// other kind removes them.
struct CallFilter {
    bool allows = true;
    std::vector<std::string_view> calls; // sorted; includes @default if the calls are allowed ones
    bool operator==(const CallFilter&) const = default;
};
[[nodiscard]] CallFilter call_filter(std::span<const std::string> words);

// Calls that a service is denied for what it passes to them. The numbers are the kernel's own.
struct CallRestrictions {
    bool realtime = false;      // scheduling policies fifo, rr and deadline
    bool suid_sgid = false;     // set-user-ID and set-group-ID bits of files
    bool personality = false;   // another execution domain
    bool write_execute = false; // memory that is written and executed
    bool hostname = false;
    bool families_allow = false;         // `families` are those that it may use, and not those that it may not
    std::vector<std::uint16_t> families; // of sockets, AF_*
    std::uint32_t namespaces = 0;        // CLONE_NEW* of the kinds that it may neither make nor enter
    auto operator<=>(const CallRestrictions&) const = default;
};

} // namespace mi
