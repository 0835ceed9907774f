// From the root of an initramfs to the one that it has made ready: the kernel's file systems move along, the old root is
// given back to memory, and another init goes on as process 1.
#pragma once

#include "base/result.hpp"

#include <string>

namespace mi::os {

// What is looked for where no init is named, best first, as seen from the new root.
constexpr const char* usual_inits[] = {"/sbin/init", "/etc/init", "/bin/init", "/sbin/miniinit", "/usr/sbin/miniinit"};

// Whether `root` can become the root directory, and which init is executed there: `init`, or (where that is empty) the
// first of the usual ones. The fault says what is to be done about it. May wait for the file system of `root`.
[[nodiscard]] Result<std::string> check_new_root(const std::string& root, const std::string& init);

// Makes `root` the root directory, with /dev, /proc, /sys and /run in it, and empties the old one if it lies in memory.
Result<> move_to_root(const std::string& root);

// Executes the init as process 1 expects to be: no signal blocked or ignored. Returns only on failure.
Result<> execute_init(const std::string& init);

} // namespace mi::os
