// Files that only look like files: those by which the kernel speaks.
#pragma once

#include <string_view>

namespace mi::config {

// The name of the file system that `fd` (which may be opened with O_PATH) is on, where that is one of the kernel's own: what is
// read there is not what somebody has written, and reading may wait, take away or change something. Empty: an ordinary one.
[[nodiscard]] std::string_view pseudo_file_system(int fd);

} // namespace mi::config
