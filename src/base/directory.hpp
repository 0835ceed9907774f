// Lists a directory; the whole program uses this function. Only the crash handler, which may not allocate, has its own
// (os/crash/crash_steps.cpp).
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace mi {

// One entry of a directory.
struct DirectoryEntry {
    std::string name;
    unsigned char type; // readdir(3): DT_DIR, DT_REG, ...; DT_UNKNOWN on some file systems
    [[nodiscard]] bool hidden() const { return name.starts_with('.'); }
};

// Every entry except "." and "..", in the kernel's order, hidden ones included. Fault: the errno of opendir(3) or
// readdir(3).
[[nodiscard]] Result<std::vector<DirectoryEntry>> list_directory(const std::string& path);

// The same for an open directory (for reading, or O_PATH), called `about` in a fault. The caller keeps the descriptor,
// and its file offset does not matter.
[[nodiscard]] Result<std::vector<DirectoryEntry>> list_directory(int directory, std::string about = {});

} // namespace mi
