// System calls by name, and the named groups of them that `system-call-filter` takes. Making a filter of names is os's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi {

// A group: its name without the '@', and what belongs to it, names and "@groups" with blanks between them.
struct CallGroup {
    std::string_view name;
    std::string_view members;
};

// The groups people may name, in the order of the manual.
[[nodiscard]] std::span<const CallGroup> call_groups();

// Every system call we know, of any architecture we run on; sorted.
[[nodiscard]] const std::vector<std::string_view>& known_calls();

// The number of the call of that name on the architecture that this is built for; -1: it has none.
[[nodiscard]] int call_number(std::string_view name);

// The same, with those of the calls that do the same there (mmap2 for "mmap"): none, or one, or several.
[[nodiscard]] std::vector<int> call_numbers(std::string_view name);

// Whether `word` is a call we know or, with a leading '@', a group.
[[nodiscard]] bool names_calls(std::string_view word);

// Whether `name` is one of those without which a program cannot be started or ended: no filter denies them.
[[nodiscard]] bool is_indispensable(std::string_view name);

// What the words of a `system-call-filter` come to. The first one decides: "!read" or "~read" makes it a list of what is
// denied, any other a list of what is allowed. Then each word adds to the list, or, being of the other kind, takes away.
struct CallFilter {
    bool allows = true;
    std::vector<std::string_view> calls; // sorted; @default comes with a list of what is allowed
    bool operator==(const CallFilter&) const = default;
};
[[nodiscard]] CallFilter call_filter(std::span<const std::string> words);

} // namespace mi
