#include "base/unreachable.hpp"

#undef NDEBUG // assert.h declares __assert_fail only without NDEBUG
#include <cassert>

namespace mi {

// The function that a failed assertion calls: ours is in os/crash/crash.cpp; a program without that file uses the C
// library's.
void unreachable(const char* why) { __assert_fail(why, "", 0, ""); }

} // namespace mi
