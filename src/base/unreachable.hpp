// Reports a situation that only a mistake of ours can cause. It ends the program in every build, so that the crash
// report has the reason and the stack, and the program does not go on with invalid data.
#pragma once

namespace mi {

// For places that cannot be reached, such as the end of a switch that names every case. `why`: the reason that it
// cannot.
[[noreturn, gnu::cold]] void unreachable(const char* why);

// A cheap check that is made in every build; use assert(3), which only debug builds have, for expensive ones.
inline void must(bool holds, const char* why) {
    if (!holds) [[unlikely]]
        unreachable(why);
}

} // namespace mi
