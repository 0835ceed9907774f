// From the root of an initramfs to the one that it has made ready: the kernel's file systems move along, the old root is
// given back to memory, and another init goes on as process 1.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>

namespace mi::os {

// What is looked for where no init is named, best first, as seen from the new root.
constexpr const char* usual_inits[] = {"/sbin/init", "/etc/init", "/bin/init", "/sbin/miniinit", "/usr/sbin/miniinit"};

// Whether `root` can become the root directory, and which init is executed there: `init`, or (where that is empty) the
// first of the usual ones. The fault says what is to be done about it. May wait for the file system of `root`.
[[nodiscard]] Result<std::string> check_new_root(const std::string& root, const std::string& init);

// The file at `path` as it is called once `root` is the root directory: O_PATH, to be executed from whatever root.
[[nodiscard]] Result<Fd> open_in_root(const std::string& root, const std::string& path);
// Whether it is a program of its own, and not a script, nor anything else that another one would have to be asked for. May
// wait for its file system.
[[nodiscard]] bool is_binary(int file);

// Whether what is in the root directory is in memory, and is gone once another one has its place.
[[nodiscard]] bool root_in_memory();

// Makes `root` the root directory, with /dev, /proc, /sys and /run in it, and empties the old one if it lies in memory.
// `inhabited`: processes stay behind in the old one, and are to find those four there as well.
Result<> move_to_root(const std::string& root, bool inhabited);

// Executes the init as process 1 expects to be: no signal blocked or ignored. Returns only on failure.
Result<> execute_init(const std::string& init);

} // namespace mi::os
