// What a loss of power leaves in log files, made good before anything is appended to them.
//
// A file system that allocates late (ext4, XFS) may bring a file's size to the disk before the bytes: where they should be
// there are NULs then. At the end of a file they are cut off, with the line that they tear. In its middle they run to the
// end of a sector, and are overwritten where they are with a line that says how many bytes are lost: nothing moves, so
// being cut off in the middle of that leaves a smaller gap of the same kind. The NULs of a service are not such a gap: they
// stand behind the beginning of a line, while a gap begins where one would, or with a sector.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace mi::logd {

// Microseconds after which everything is on the disk: systems write back what is older than half a minute.
inline constexpr std::int64_t longest_unwritten = 120'000'000;

// Leaves the open file (for reading and appending) with a line end at its end, if it has anything: a torn last line is ended
// and marked as one without an end if its beginning is whole, else removed. The result is the stamp of the last line; 0: none.
[[nodiscard]] Result<WallTime> mend_end(int file);

// Fills the gaps in the file `name` of that directory, whose last line is of the moment `last`: in the part that was written
// in the time `longest_unwritten` before (a bounded number of bytes), as older bytes have long been on the disk. Its end must be mended.
// What cannot be done (no file, a read-only disk) stays undone.
void mend_gaps(int directory, const std::string& name, WallTime last);

} // namespace mi::logd
