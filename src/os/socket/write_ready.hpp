// Writes to a reader that may be slow, without waiting for it.
#pragma once

#include <string>

namespace mi::os {

// Writes as much of `text` as there is room for, and removes it from `text`. `ours`: the open file description is ours
// alone and non-blocking; to a shared one only as much is written as poll(2) promises. False: there is no reader any
// more, or writing is impossible.
[[nodiscard]] bool write_ready(int fd, bool ours, std::string& text);

} // namespace mi::os
