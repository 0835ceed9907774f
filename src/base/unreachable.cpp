#include "base/unreachable.hpp"

#undef NDEBUG // without assertions it is not declared
#include <cassert>

namespace mi {

// The function that a failed assertion calls: os/crash/crash.cpp has ours, and a program without that has the C library's.
void unreachable(const char* why) { __assert_fail(why, "", 0, ""); }

} // namespace mi
