// Listing a directory: the one way in which the whole program does it. A crash handler, which may not allocate, has its
// own in os/crash/crash_steps.cpp.
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace mi {

// One name in a directory.
struct DirectoryEntry {
    std::string name;
    unsigned char type; // readdir(3): DT_DIR, DT_REG, ...; DT_UNKNOWN on some file systems
    [[nodiscard]] bool hidden() const { return name.starts_with('.'); }
};

// Every name but "." and "..", in the order of the kernel; hidden ones too. Fault: the errno of opendir(3) or readdir(3).
[[nodiscard]] Result<std::vector<DirectoryEntry>> list_directory(const std::string& path);

// The same for a directory that is open, for reading or as O_PATH, called `about` in a fault. The descriptor stays the
// caller's, and its position does not matter.
[[nodiscard]] Result<std::vector<DirectoryEntry>> list_directory(int directory, std::string about = {});

} // namespace mi
