// What only a mistake of ours could bring about. It ends the program in every build, so that a report of the crash has the reason
// and the stack that led to it, and nothing goes on from there with what makes no sense.
#pragma once

namespace mi {

// Behind a switch that names every case, and where else nothing can come to. `why` it cannot.
[[noreturn, gnu::cold]] void unreachable(const char* why);

// What always holds where it costs nothing to look; what costs something is for assert(3), in debug builds alone.
inline void must(bool holds, const char* why) {
    if (!holds) [[unlikely]]
        unreachable(why);
}

} // namespace mi
