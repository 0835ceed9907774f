// Detects files that only look like files: interfaces of the kernel.
#pragma once

#include <string_view>

namespace mi::config {

// The name of the file system of `fd` (O_PATH is enough), if it is one of the kernel's own. Such a file has no text
// that a user has written, and reading it may wait, consume or change something. Empty: an ordinary file system.
[[nodiscard]] std::string_view pseudo_file_system(int fd);

} // namespace mi::config
